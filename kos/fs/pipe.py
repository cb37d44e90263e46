"""Pipes: 16 pages in a ring, filled and emptied by the page, exactly as full as Linux's. F_SETPIPE_SZ makes them fewer.

A write goes into the last page if all of what does not fill whole pages fits there, then into fresh pages. So at
most PIPE_BUF bytes arrive in one piece, never mixed with others, and a pipe that many small writes have filled
is full although bytes would fit (Linux fs/pipe.c, pipe_write and pipe_read). A page is free again when its last
byte has been read.

A write of more than fits goes in pieces: it fills what there is, wakes the readers, queues the task and returns
Wait. How far it has come stands in the task's restart words, since the call is made again from its start.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from kos.arena.layout import word_index
from kos.errors import GuestFault
from kos.fs import poll
from kos.fs.file import DONE, IS_WRITE, OPS, POLLERR, POLLHUP, POLLIN, POLLOUT, WRITING, Ops, alloc_file, put_file
from kos.fs.structs import (
    F_PIPE_R,
    F_PIPE_W,
    PIPE_PAGES,
    PIPE_SIZE,
    File,
    Pipe,
    PipeSlots,
    fs_lock,
    fs_state,
    pipe_data,
    pipe_locks,
    pipes,
    pipes_lock,
)
from kos.hw.cpu import this
from kos.params import PAGE_SIZE
from kos.platform.host.clock import wall_ns
from kos.sched.structs import Task
from kos.sched.waitqueue import prepare_to_wait, wake_all
from kos.traps import Wait

if TYPE_CHECKING:
    from kos.fs.iov import Buffer, Sink, Source

_MASK = 0xFFFFFFFF
_WAIT = Wait()  #: without a deadline; one serves all
# Where the fields stand in Pipe.words.
_HEAD, _TAIL, _READERS, _WRITERS, _BYTES, _NR_PAGES, _READ_WAIT = (
    word_index(Pipe, field, 4) for field in ("head", "tail", "readers", "writers", "bytes", "nr_pages", "read_wait")
)
_START = word_index(Pipe, "slots", 4) + word_index(PipeSlots, "start", 4)
_LEN = word_index(Pipe, "slots", 4) + word_index(PipeSlots, "len", 4)


class _Hooks:
    """What other parts do for pipes; set at boot."""

    sigpipe: Callable[[Task], None] = staticmethod(lambda task: None)  #: send SIGPIPE to the writing task


hooks = _Hooks()


def on_sigpipe(send: Callable[[Task], None]) -> None:
    """Who sends SIGPIPE: called with the writing task, no lock held, before the call fails with EPIPE."""
    hooks.sigpipe = send


def make_pipe(flags: int) -> tuple[File, File]:
    """pipe2: the read end and the write end, one reference each, the caller's. Raises ENFILE."""
    with pipes_lock:
        pipe = pipes.alloc()
    if pipe is None:
        raise GuestFault(errno.ENFILE)
    with fs_lock:
        fs_state.s.next_ino += 1
        pipe.ino = fs_state.s.next_ino & 0xFFFFFFFF
    pipe.ctime_ns = wall_ns()
    pipe.readers = pipe.writers = 1
    pipe.nr_pages = PIPE_PAGES
    flags &= os.O_NONBLOCK | os.O_DIRECT
    try:
        read_end = alloc_file(F_PIPE_R, os.O_RDONLY | flags, pipe=pipe.index)
    except GuestFault:
        _free(pipe)
        raise
    try:
        write_end = alloc_file(F_PIPE_W, os.O_WRONLY | flags, pipe=pipe.index)
    except GuestFault:
        pipe.writers = 0
        put_file(read_end)
        raise
    return read_end, write_end


def size_of_pipe(file: File) -> int:
    """F_GETPIPE_SZ: bytes that the pipe holds, were they written by the page."""
    return pipes[file.pipe].nr_pages * PAGE_SIZE


def resize(file: File, size: int) -> int:
    """F_SETPIPE_SZ: the new size, a power of two of pages. Raises EINVAL, EBUSY, EPERM. Linux: pipe_set_size()."""
    if size > 1 << 31:
        raise GuestFault(errno.EINVAL)
    nr_pages = 1
    while nr_pages * PAGE_SIZE < size:
        nr_pages *= 2
    if nr_pages > PIPE_PAGES:
        raise GuestFault(errno.EPERM)  # there is room for no more, so nobody may ask for it
    pipe = pipes[file.pipe]
    with pipe_locks[pipe.index]:
        if pipe.head - pipe.tail & _MASK > nr_pages:
            raise GuestFault(errno.EBUSY)
        pipe.nr_pages = nr_pages
        wake_all(pipe.write_wait)  # there may be more room
        poll.notify()
    return nr_pages * PAGE_SIZE


def _free(pipe: Pipe) -> None:
    with pipes_lock:
        pipes.free(pipe)


def _page_at(pipe: Pipe, k: int) -> int:
    """Where the ring's page k lies in pipe_data."""
    return pipe.index * PIPE_SIZE + k * PAGE_SIZE


class _ReadEnd(Ops):
    """The end that is read."""

    has_pread = has_pwrite = False

    def read_bytes(self, file: File, n: int) -> bytes | Wait:
        """read() of what lies in one page, or waits: what two tasks do that talk over pipes, so each step counts."""
        pipe = pipes[file.pipe]
        row = pipe.words
        lock = pipe_locks[pipe.index]
        lock.acquire()
        try:
            tail = row[_TAIL]
            filled = row[_HEAD] - tail & _MASK
            if filled and n:
                k = tail % PIPE_PAGES
                have = row[_LEN + k]
                if filled == 1 or have >= n:
                    start = row[_START + k]
                    at = pipe.index * PIPE_SIZE + k * PAGE_SIZE + start
                    data = bytes(pipe_data.buf[at : at + (n if n < have else have)])
                    moved = len(data)
                    row[_BYTES] -= moved
                    row[_START + k] = start + moved
                    row[_LEN + k] = have - moved
                    if have == moved:
                        row[_TAIL] = tail + 1 & _MASK
                        if filled >= row[_NR_PAGES]:
                            wake_all(pipe.write_wait)
                            poll.notify()
                    return data
            elif not filled and n and row[_WRITERS] and not file.flags & os.O_NONBLOCK:
                prepare_to_wait(pipe.read_wait, lock)
                return _WAIT
        finally:
            lock.release()
        return super().read_bytes(file, n)

    def read(self, file: File, sink: Sink) -> int | Wait:
        pipe = pipes[file.pipe]
        if not sink.room:
            return 0
        moved = 0
        with pipe_locks[pipe.index]:
            was_full = pipe.head - pipe.tail & _MASK >= pipe.nr_pages
            slots = pipe.slots
            while pipe.head != pipe.tail and sink.room:
                k = pipe.tail % PIPE_PAGES
                have = slots.len[k]
                n = min(have, sink.room)
                at = _page_at(pipe, k) + slots.start[k]
                try:
                    # A piece arrives whole or stays (Linux: pipe_read).
                    if sink.put(bytes(pipe_data.buf[at : at + n])) < n:
                        raise GuestFault(errno.EFAULT)
                except GuestFault:
                    if not moved:
                        raise
                    break
                moved += n
                pipe.bytes -= n
                slots.start[k] += n
                slots.len[k] = have - n
                if have > n:
                    break
                pipe.tail = pipe.tail + 1 & _MASK
            if moved:
                if was_full and pipe.head - pipe.tail & _MASK < pipe.nr_pages:
                    wake_all(pipe.write_wait)
                    poll.notify()
                return moved
            if not pipe.writers:
                return 0
            if file.flags & os.O_NONBLOCK:
                raise GuestFault(errno.EAGAIN)
            prepare_to_wait(pipe.read_wait, pipe_locks[pipe.index])
            return _WAIT

    def poll(self, file: File) -> int:
        pipe = pipes[file.pipe]
        with pipe_locks[pipe.index]:
            ready = POLLIN | 0x40 if pipe.head != pipe.tail else 0
            if not pipe.writers:
                ready |= POLLHUP
        return ready

    def release(self, file: File) -> None:
        pipe = pipes[file.pipe]
        with pipe_locks[pipe.index]:
            pipe.readers -= 1
            if not pipe.readers:
                wake_all(pipe.write_wait)
            # A task of this very table may sleep here though its descriptor is gone; it looks again.
            wake_all(pipe.read_wait)
            last = not pipe.readers and not pipe.writers
            poll.notify()
        if last:
            _free(pipe)


class _WriteEnd(Ops):
    """The end that is written."""

    has_pread = has_pwrite = False

    def write_bytes(self, file: File, data: Buffer) -> int | Wait:
        """write() of what fits into one page: see _ReadEnd.read_bytes()."""
        total = len(data)
        if type(data) is bytes and 0 < total <= PAGE_SIZE and not this.task.restart[IS_WRITE]:
            pipe = pipes[file.pipe]
            row = pipe.words
            lock = pipe_locks[pipe.index]
            lock.acquire()
            try:
                head = row[_HEAD]
                filled = head - row[_TAIL] & _MASK
                k = (head - 1 if filled else head) % PIPE_PAGES
                # As _fill() does it: behind what the last page has, where all of it fits, else into a fresh page. A
                # whole page always takes a fresh one.
                end = row[_START + k] + row[_LEN + k] if filled and total < PAGE_SIZE else PAGE_SIZE
                is_fresh = end + total > PAGE_SIZE
                if row[_READERS] and not (is_fresh and filled >= row[_NR_PAGES]):
                    if is_fresh:
                        k = head % PIPE_PAGES
                        end = row[_START + k] = row[_LEN + k] = 0
                        row[_HEAD] = head + 1 & _MASK
                    at = pipe.index * PIPE_SIZE + k * PAGE_SIZE + end
                    pipe_data.buf[at : at + total] = data
                    row[_LEN + k] += total
                    row[_BYTES] += total
                    if row[_READ_WAIT]:
                        wake_all(pipe.read_wait)
                    poll.notify()
                    return total
            finally:
                lock.release()
        return super().write_bytes(file, data)

    def write(self, file: File, source: Source) -> int | Wait:
        total = source.len
        if not total:
            return 0
        task: Task = this.task
        done = int(task.restart[DONE]) if task.restart[IS_WRITE] == WRITING else 0
        pipe = pipes[file.pipe]
        with pipe_locks[pipe.index]:
            if pipe.readers:
                before = done
                done, ends_early = _fill(pipe, source, done)
                if done > before:
                    wake_all(pipe.read_wait)
                    poll.notify()
                if done < total and not ends_early:
                    if not file.flags & os.O_NONBLOCK:
                        task.restart[DONE] = done
                        task.restart[IS_WRITE] = WRITING
                        prepare_to_wait(pipe.write_wait, pipe_locks[pipe.index])
                        return _WAIT
                    if not done:
                        raise GuestFault(errno.EAGAIN)
                task.restart[DONE] = task.restart[IS_WRITE] = 0
                return done
        task.restart[DONE] = task.restart[IS_WRITE] = 0
        hooks.sigpipe(task)
        if done:
            return done
        raise GuestFault(errno.EPIPE)

    def poll(self, file: File) -> int:
        pipe = pipes[file.pipe]
        with pipe_locks[pipe.index]:
            ready = POLLOUT | 0x100 if pipe.head - pipe.tail & _MASK < pipe.nr_pages else 0
            if not pipe.readers:
                ready |= POLLERR
        return ready

    def release(self, file: File) -> None:
        pipe = pipes[file.pipe]
        with pipe_locks[pipe.index]:
            pipe.writers -= 1
            if not pipe.writers:
                wake_all(pipe.read_wait)
            wake_all(pipe.write_wait)
            last = not pipe.readers and not pipe.writers
            poll.notify()
        if last:
            _free(pipe)


def _fill(pipe: Pipe, source: Source, done: int) -> tuple[int, bool]:
    """Move what fits into the ring, from offset `done` of the source on; pipe lock held.

    A page's worth enters whole or not at all. Returns the new offset, and whether the source ends before its length
    (user memory that is not there): then the call is over with what it has. Raises EFAULT where that is nothing.
    """
    total = source.len
    slots = pipe.slots
    data = pipe_data.buf
    tail_bytes = total % PAGE_SIZE
    if not done and tail_bytes and pipe.head != pipe.tail:
        k = (pipe.head - 1) % PIPE_PAGES
        end = slots.start[k] + slots.len[k]
        if end + tail_bytes <= PAGE_SIZE:
            piece = source.get(0, tail_bytes)
            if len(piece) < tail_bytes:
                raise GuestFault(errno.EFAULT)
            at = _page_at(pipe, k) + end
            data[at : at + tail_bytes] = piece
            slots.len[k] += tail_bytes
            pipe.bytes += tail_bytes
            done = tail_bytes
    while done < total and pipe.head - pipe.tail & _MASK < pipe.nr_pages:
        want = min(PAGE_SIZE, total - done)
        try:
            piece = source.get(done, want)
            if len(piece) < want:
                raise GuestFault(errno.EFAULT)
        except GuestFault:
            if not done:
                raise
            return done, True
        k = pipe.head % PIPE_PAGES
        at = _page_at(pipe, k)
        data[at : at + want] = piece
        slots.start[k] = 0
        slots.len[k] = want
        pipe.head = pipe.head + 1 & _MASK
        pipe.bytes += want
        done += want
    return done, False


OPS[F_PIPE_R] = _ReadEnd()
OPS[F_PIPE_W] = _WriteEnd()
