"""The console: what guests write to their standard streams, and what the host's input gives them.

Each stream is a ring in the arena between the guests, under a lock, and the supervisor, which takes no lock: it
must see a CPU die that holds one. So a ring has one head and one tail, each written by one side. Where standard
output and standard error are one file on the host they share one ring, and keep their order.

The supervisor cannot wake a task either. It sets `attention` and rings CPU 0, and the first CPU that comes by
service(), outside all locks, wakes who waits.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from typing import TYPE_CHECKING, Annotated, Any

from kos.arena.layout import Chars, Struct, layout, u32, u64
from kos.arena.table import Alone, Region
from kos.errors import GuestFault
from kos.fs import poll
from kos.fs.file import DONE, IS_WRITE, OPS, POLLHUP, POLLIN, POLLOUT, WRITING, Ops
from kos.fs.inode import put_inode
from kos.fs.structs import F_CONSOLE, File, inodes
from kos.hw.cpu import SUPERVISOR, cpu_block, this
from kos.hw.ipi import notify
from kos.platform.host.atomic import fence
from kos.sched.structs import WaitQueue
from kos.sched.waitqueue import prepare_to_wait, wake_all
from kos.sync.spinlock import SpinLock
from kos.traps import Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kos.fs.iov import Sink, Source
    from kos.platform.host.files import Stream

RING = 65536  #: bytes of one stream that may be under way
STDIN, STDOUT, STDERR = range(3)


@layout(size=128)
class Ring(Struct):
    """One direction of the console: bytes [tail, head) mod RING are under way."""

    head: u64  #: bytes ever put in; the producing side writes it
    tail: u64  #: bytes ever taken out; the consuming side writes it
    eof: u64  #: stdin: the host's input has ended; the supervisor writes it
    wanted: u64  #: somebody waits: for input (guests set it, feed() clears it) or for room (drain() clears it)
    line: Annotated[Chars, ctypes.c_char * 24]
    # console_lock held:
    wait: Annotated[WaitQueue, WaitQueue]  #: readers of an empty ring, or writers of a full one
    # written by the supervisor while no program runs:
    mode: u32  #: st_mode of the host's stream
    flags: u32  #: O_ACCMODE of the host's stream
    is_tty: u32
    ring: u32  #: which ring the stream uses: its own number, or that of the stream it is the same file as
    is_null: u32  #: the host's stream is /dev/null
    pad: Annotated[Chars, ctypes.c_char * 44]


@layout(size=448)
class Console(Struct):
    """The three streams."""

    attention: u64  #: 1 = the supervisor has changed a ring that somebody waits for
    pad: Annotated[Chars, ctypes.c_char * 56]
    rings: Annotated[Any, Ring * 3]


console_state: Alone[Console] = Alone(Console, "console")
ring_data = Region("console_data", 3 * RING)
console_lock = SpinLock("console", "pipe")


def describe(streams: Sequence[Stream], same_output: bool) -> None:
    """What the next program's streams are. The supervisor's side.

    same_output: both outputs lead to one file of the host's, so that what is written to them stays in order.
    """
    for k, one in enumerate(streams):
        ring = console_state.s.rings[k]
        ring.mode, ring.flags, ring.is_tty, ring.is_null = one
        ring.ring = STDOUT if k == STDERR and same_output else k


def is_tty(stream: int) -> bool:
    return bool(console_state.s.rings[stream].is_tty)


def is_null(stream: int) -> bool:
    """Is it /dev/null on the host? A program that starts has its own /dev/null there, not the console."""
    return bool(console_state.s.rings[stream].is_null)


def mode_of(stream: int) -> int:
    """st_mode of a stream."""
    return int(console_state.s.rings[stream].mode)


def flags_of(stream: int) -> int:
    """O_ACCMODE of a stream, as the host opened it; a stream that the host has closed reads or writes nothing."""
    ring = console_state.s.rings[stream]
    if ring.is_tty:
        return os.O_RDWR
    return int(ring.flags) if ring.mode else (os.O_RDONLY if stream == STDIN else os.O_WRONLY)


def write_kernel(text: str) -> None:
    """A message of the kernel's own, to the standard error stream; what does not fit at once is lost."""
    stream = console_state.s.rings[STDERR].ring
    ring = console_state.s.rings[stream]
    data = text.encode("utf-8", "backslashreplace")
    with console_lock:
        data = data[: RING - (ring.head - ring.tail)]
        _poke(stream, ring.head, data)
        ring.head += len(data)
    _ring_supervisor()


# --- the supervisor's side: no locks -------------------------------------------------------------


def drain(stream: int) -> bytes:
    """Take everything that guests have written to a stream; b"" if nothing. The supervisor's side."""
    ring = console_state.s.rings[stream]
    tail = ring.tail
    n = ring.head - tail
    if not n:
        return b""
    data = _peek(stream, tail, n)
    ring.tail = tail + n
    fence()
    if ring.wanted:
        ring.wanted = 0
        _call_attention()
    return data


def wants_input() -> bool:
    """Does a guest wait for input that the ring has not got? The supervisor's side."""
    ring = console_state.s.rings[STDIN]
    return bool(ring.wanted) and ring.head == ring.tail and not ring.eof


def feed(data: bytes) -> int:
    """Give input to the guests; how many bytes there was room for. The supervisor's side."""
    ring = console_state.s.rings[STDIN]
    head = ring.head
    n = min(len(data), RING - (head - ring.tail))
    _poke(STDIN, head, data[:n])
    ring.wanted = 0
    ring.head = head + n
    _call_attention()
    return int(n)


def feed_eof() -> None:
    """The input has ended: readers get what is left, then end of file. The supervisor's side."""
    console_state.s.rings[STDIN].eof = 1
    _call_attention()


def reset() -> None:
    """A new program with new streams: forget the old input's end. The supervisor's side, no guest running."""
    ring = console_state.s.rings[STDIN]
    ring.eof = ring.wanted = 0
    ring.tail = ring.head


def _call_attention() -> None:
    """Have CPU 0 run service()."""
    console_state.s.attention = 1
    notify(0)


# --- the CPUs' side ------------------------------------------------------------------------------


def service() -> None:
    """Wake who waits for the console. CPUs call it in their main loop and at safepoints, no lock held."""
    state = console_state.s
    if not state.attention:
        return
    state.attention = 0
    fence()
    with console_lock:
        for ring in state.rings:
            if ring.wait.head:
                wake_all(ring.wait)
        poll.notify()


def _ring_supervisor() -> None:
    """Tell the supervisor that there is something to do; cheap while it is awake."""
    block = cpu_block(SUPERVISOR)
    fence()
    if block.sleeping and this.bells:
        this.bells[SUPERVISOR].ring()


def _want_input(ring: Ring) -> None:
    if not ring.wanted:
        ring.wanted = 1
        _ring_supervisor()


def _peek(stream: int, at: int, n: int) -> bytes:
    base = stream * RING
    start = at % RING
    first = min(n, RING - start)
    buf = ring_data.buf
    data = bytes(buf[base + start : base + start + first])
    return data + bytes(buf[base : base + n - first]) if n > first else data


def _poke(stream: int, at: int, data: bytes | memoryview) -> None:
    base = stream * RING
    start = at % RING
    first = min(len(data), RING - start)
    buf = ring_data.buf
    buf[base + start : base + start + first] = data[:first]
    if first < len(data):
        buf[base : base + len(data) - first] = data[first:]


class _Stream(Ops):
    """A descriptor of the console; File.stream says which."""

    has_pread = has_pwrite = False

    def read(self, file: File, sink: Sink) -> int | Wait:
        if file.stream != STDIN and not is_tty(file.stream):
            if stat.S_ISREG(mode_of(file.stream)):
                return 0  # a file that may be read, too: it ends where the last write has left the offset
            raise GuestFault(errno.EBADF)
        if not sink.room:
            return 0
        ring = console_state.s.rings[STDIN]
        with console_lock:
            tail = ring.tail
            have = ring.head - tail
            if have:
                n = min(have, sink.room)
                data = _peek(STDIN, tail, n)
                if is_tty(STDIN):  # a terminal gives one line at a time
                    line_end = data.find(b"\n") + 1
                    data = data[: line_end or n]
                n = sink.put(data)
                ring.tail = tail + n
                return n
            if ring.eof:
                return 0
            if file.flags & os.O_NONBLOCK:
                _want_input(ring)
                raise GuestFault(errno.EAGAIN)
            prepare_to_wait(ring.wait, console_lock)
            _want_input(ring)
            # Only now a last look: the supervisor may have fed, and called for attention, before we were queued.
            fence()
            if ring.head != tail or ring.eof:
                wake_all(ring.wait)
            return Wait()

    def write(self, file: File, source: Source) -> int | Wait:
        total = source.len
        if not total:
            return 0
        if file.stream == STDIN and not is_tty(STDIN):
            return total  # a file of the host's that may be written, too: it is not, but no output gets it either
        task = this.task
        stream = console_state.s.rings[file.stream].ring if file.stream != STDIN else STDOUT
        ring = console_state.s.rings[stream]
        done = int(task.restart[DONE]) if task.restart[IS_WRITE] == WRITING else 0
        with console_lock:
            while done < total:
                head = ring.head
                room = RING - (head - ring.tail)
                if not room:
                    break
                try:
                    piece = source.get(done, min(room, total - done))
                except GuestFault:
                    if not done:
                        raise
                    total = done
                    break
                _poke(stream, head, piece)
                ring.head = head + len(piece)
                done += len(piece)
            _ring_supervisor()
            if done < total:
                if file.flags & os.O_NONBLOCK:
                    if not done:
                        raise GuestFault(errno.EAGAIN)
                else:
                    task.restart[DONE] = done
                    task.restart[IS_WRITE] = WRITING
                    prepare_to_wait(ring.wait, console_lock)
                    ring.wanted = 1
                    fence()
                    if ring.head - ring.tail < RING:  # drained before it could see that we wait
                        wake_all(ring.wait)
                    return Wait()
        task.restart[DONE] = task.restart[IS_WRITE] = 0
        return done

    def poll(self, file: File) -> int:
        ready = 0
        stream = console_state.s.rings[file.stream]
        if file.stream == STDIN or stream.is_tty:
            ring = console_state.s.rings[STDIN]
            if ring.head != ring.tail:
                ready |= POLLIN | 0x40
            elif ring.eof:
                ready |= POLLIN | 0x40 if not stat.S_ISFIFO(stream.mode) else POLLHUP
            else:
                _want_input(ring)
                if not stream.is_tty and (stat.S_ISREG(stream.mode) or stat.S_ISCHR(stream.mode)):
                    ready |= POLLIN | 0x40  # a file, or /dev/null: a read finds its bytes or its end, sooner or later
        if file.stream != STDIN or stream.is_tty:
            ring = console_state.s.rings[stream.ring]
            if ring.head - ring.tail < RING:
                ready |= POLLOUT | 0x100
            else:
                ring.wanted = 1
        return ready

    def release(self, file: File) -> None:
        if file.inode:
            put_inode(inodes[file.inode])


OPS[F_CONSOLE] = _Stream()
