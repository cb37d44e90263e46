"""System calls on descriptors: check arguments, then one call into kos/fs. Those on paths: kos/syscall/names.py."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from kos.errors import GuestFault
from kos.fs import console, fdtable, fsctx, regular
from kos.fs import file as files
from kos.fs import poll as polling
from kos.fs.fdtable import on_file, own_file
from kos.fs.file import POLLERR, POLLHUP, POLLNVAL, put_file
from kos.fs.inode import is_dir
from kos.fs.iov import (
    MAX_RW_COUNT,
    BytesSink,
    BytesSource,
    ManySink,
    Segment,
    Sink,
    Source,
    UserSink,
    UserSource,
    sinks_of,
    source_of,
)
from kos.fs.open import make_memfd, open_path
from kos.fs.pipe import make_pipe, resize, size_of_pipe
from kos.fs.stat import Stat, stat_file
from kos.fs.structs import F_CONSOLE, F_DIR, F_PIPE_R, F_PIPE_W, F_PLACE, F_REG, NR_OPEN, File, inodes
from kos.hw.cpu import this
from kos.params import USER_TOP
from kos.platform.host.clock import now_ns
from kos.sched.structs import processes
from kos.syscall import names as names  # registers the calls on paths
from kos.syscall.table import syscall
from kos.traps import Wait

RLIMIT_NOFILE = 7
IOV_MAX = 1024
# fcntl's commands, as Linux numbers them:
F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL = range(5)
F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ = 1030, 1031, 1032
FD_CLOEXEC = 1
_DEADLINE = 1  #: Task.restart word of poll: when it gives up, host clock; 0 = first time round
MASK64 = _NEVER = (1 << 64) - 1
Buffer = bytes | bytearray | memoryview


def nofile() -> int:
    """RLIMIT_NOFILE of the caller: no new descriptor is as large."""
    return min(int(processes[this.task.process].rlimits[2 * RLIMIT_NOFILE]), NR_OPEN)


def _install(file: File, cloexec: bool) -> int:
    """A descriptor for a new file; the file is closed again where there is none."""
    try:
        return fdtable.install(fdtable.current(), file, nofile(), cloexec=cloexec)
    except BaseException:
        put_file(file)
        raise


def _count(n: int) -> int:
    if n < 0:
        raise GuestFault(errno.EINVAL)
    return min(n, MAX_RW_COUNT)


def _access_ok(addr: int, n: int) -> None:
    """Does the range lie in user space at all? Asked after the descriptor is looked at; a negative n is a huge one."""
    if not 0 <= addr <= addr + (n & MASK64) <= USER_TOP:
        raise GuestFault(errno.EFAULT)


# --- making and dropping descriptors --------------------------------------------------------------


@syscall("open")
def sys_open(path: str | bytes, flags: int, mode: int = 0o777) -> int:
    try:
        return _install(open_path(path, flags, mode), bool(flags & os.O_CLOEXEC))
    except GuestFault as e:
        raise GuestFault(e.errno, path) from None


@syscall("close")
def close(fd: int) -> None:
    fdtable.close(fdtable.current(), fd)


@syscall("closerange")
def closerange(low: int, high: int) -> None:
    fdtable.close_range(fdtable.current(), low, high)


@syscall("dup")
def dup(fd: int, lowest: int = 0, cloexec: bool = True) -> int:
    return fdtable.dup(fdtable.current(), fd, nofile(), lowest=lowest, cloexec=cloexec)


@syscall("dup2")
def dup2(old: int, new: int, cloexec: bool = False) -> int:
    return fdtable.dup2(fdtable.current(), old, new, nofile(), cloexec=cloexec)


@syscall("pipe2")
def pipe2(flags: int = 0) -> tuple[int, int]:
    if flags & ~(os.O_CLOEXEC | os.O_NONBLOCK | os.O_DIRECT):
        raise GuestFault(errno.EINVAL)
    read_end, write_end = make_pipe(flags)
    cloexec = bool(flags & os.O_CLOEXEC)
    try:
        r = _install(read_end, cloexec)
    except BaseException:
        put_file(write_end)
        raise
    try:
        return r, _install(write_end, cloexec)
    except BaseException:
        fdtable.close(fdtable.current(), r)
        raise


@syscall("memfd_create")
def memfd_create(name: str | bytes, flags: int = 1) -> int:
    text = name if isinstance(name, bytes) else os.fsencode(name)
    return _install(make_memfd(text, flags), bool(flags & 1))


def _offset(offset: int) -> int:
    """Looked at before the descriptor is, as Linux does."""
    if offset < 0:
        raise GuestFault(errno.EINVAL)
    return offset


# --- moving bytes ---------------------------------------------------------------------------------


@syscall("read")
def read(fd: int, n: int) -> bytes | Wait:
    if not 0 <= n <= MAX_RW_COUNT:
        n = _count(n)
    file = own_file(fd)
    return on_file(fd, lambda file: files.read_bytes(file, n)) if file is None else files.read_bytes(file, n)


@syscall("write")
def write(fd: int, data: Buffer) -> int | Wait:
    file = own_file(fd)
    return on_file(fd, lambda file: files.write_bytes(file, data)) if file is None else files.write_bytes(file, data)


@syscall("read_user")
def read_user(fd: int, addr: int, n: int) -> int | Wait:
    sink = UserSink(addr, min(n & MASK64, MAX_RW_COUNT))

    def work(file: File) -> int | Wait:
        if files.is_readable(file):
            _access_ok(addr, n)
        return files.read(file, sink)

    return on_file(fd, work)


@syscall("write_user")
def write_user(fd: int, addr: int, n: int) -> int | Wait:
    source = UserSource(addr, min(n & MASK64, MAX_RW_COUNT))

    def work(file: File) -> int | Wait:
        if files.is_writable(file):
            _access_ok(addr, n)
        return files.write(file, source)

    return on_file(fd, work)


@syscall("pread")
def pread(fd: int, n: int, offset: int) -> bytes:
    _offset(offset)
    sink = BytesSink(_count(n))
    on_file(fd, lambda file: files.pread(file, sink, offset))
    return sink.data()


@syscall("pwrite")
def pwrite(fd: int, data: Buffer, offset: int) -> int:
    _offset(offset)
    source = BytesSource(data)
    return on_file(fd, lambda file: files.pwrite(file, source, offset))


Pieces = tuple[int, list[bytes | None]]


def _vector(segments: Sequence[object]) -> None:
    if len(segments) > IOV_MAX:
        raise GuestFault(errno.EINVAL)


def _pieces(sinks: Sequence[Sink], moved: int) -> Pieces:
    return moved, [sink.data() if isinstance(sink, BytesSink) else None for sink in sinks]


@syscall("readv")
def readv(fd: int, segments: Sequence[int | Segment]) -> Pieces | Wait:
    _vector(segments)
    sinks = sinks_of(segments)
    moved = on_file(fd, lambda file: files.read(file, ManySink(sinks)))
    return moved if isinstance(moved, Wait) else _pieces(sinks, moved)


@syscall("writev")
def writev(fd: int, segments: Sequence[Buffer | Segment]) -> int | Wait:
    _vector(segments)
    source = source_of(segments)
    return on_file(fd, lambda file: files.write(file, source))


@syscall("preadv")
def preadv(fd: int, segments: Sequence[int | Segment], offset: int) -> Pieces:
    _vector(segments)
    _offset(offset)
    sinks = sinks_of(segments)
    return _pieces(sinks, on_file(fd, lambda file: files.pread(file, ManySink(sinks), offset)))


@syscall("pwritev")
def pwritev(fd: int, segments: Sequence[Buffer | Segment], offset: int, append: bool = False) -> int:
    _vector(segments)
    _offset(offset)
    source: Source = source_of(segments)

    def work(file: File) -> int:
        if append and files.is_writable(file) and files.OPS[file.kind].has_pwrite:
            return files.OPS[file.kind].pwrite(file, source, regular.APPEND)
        return files.pwrite(file, source, offset)

    return on_file(fd, work)


# --- about descriptors ----------------------------------------------------------------------------


@syscall("lseek")
def lseek(fd: int, offset: int, whence: int) -> int:
    return on_file(fd, lambda file: files.seek(file, offset, whence))


@syscall("fstat")
def fstat(fd: int) -> Stat:
    return on_file(fd, stat_file)


@syscall("isatty")
def isatty(fd: int) -> bool:
    try:
        return on_file(fd, lambda file: file.kind == F_CONSOLE and console.is_tty(file.stream))
    except GuestFault:
        return False


@syscall("ftruncate")
def ftruncate(fd: int, size: int) -> None:
    _offset(size)

    def work(file: File) -> None:
        if not files.is_writable(file):
            raise GuestFault(errno.EBADF if file.kind == F_PLACE else errno.EINVAL)
        files.OPS[file.kind].truncate(file, size)

    on_file(fd, work)


@syscall("fallocate")
def fallocate(fd: int, offset: int, length: int) -> None:
    """Make a file reach to offset + length; one that does already is left as it is."""
    if offset < 0 or length <= 0:
        raise GuestFault(errno.EINVAL)

    def work(file: File) -> None:
        if not files.is_writable(file):
            raise GuestFault(errno.EBADF)
        if file.kind != F_REG:
            raise GuestFault(errno.ESPIPE if file.kind in (F_PIPE_R, F_PIPE_W) else errno.ENODEV)
        regular.reach(inodes[file.inode], offset + length)

    on_file(fd, work)


@syscall("fsync")
def fsync(fd: int) -> None:
    """Memory is as safe as it gets; what cannot be synchronised says so."""

    def work(file: File) -> None:
        if file.kind not in (F_REG, F_DIR):
            raise GuestFault(errno.EBADF if file.kind == F_PLACE else errno.EINVAL)

    on_file(fd, work)


@syscall("fchdir")
def fchdir(fd: int) -> None:
    def work(file: File) -> None:
        if not file.inode or not is_dir(inodes[file.inode]):
            raise GuestFault(errno.ENOTDIR)
        fsctx.change_dir_to(inodes[file.inode])

    on_file(fd, work)


@syscall("fcntl")
def fcntl(fd: int, cmd: int, arg: int = 0) -> int:
    ft = fdtable.current()
    if cmd == F_GETFD:
        return FD_CLOEXEC if fdtable.is_cloexec(ft, fd) else 0
    if cmd == F_SETFD:
        fdtable.set_cloexec(ft, fd, bool(arg & FD_CLOEXEC))
        return 0
    if cmd in (F_DUPFD, F_DUPFD_CLOEXEC):
        return fdtable.dup(ft, fd, nofile(), lowest=arg, cloexec=cmd == F_DUPFD_CLOEXEC)
    return on_file(fd, lambda file: _fcntl_file(file, cmd, arg))


def _fcntl_file(file: File, cmd: int, arg: int) -> int:
    if cmd == F_GETFL:
        return int(file.flags)
    if cmd == F_SETFL:
        if file.kind == F_PLACE:
            raise GuestFault(errno.EBADF)
        files.set_flags(file, arg)
        return 0
    if cmd in (F_GETPIPE_SZ, F_SETPIPE_SZ):
        if file.kind not in (F_PIPE_R, F_PIPE_W):
            raise GuestFault(errno.EBADF)
        return resize(file, arg) if cmd == F_SETPIPE_SZ else size_of_pipe(file)
    raise GuestFault(errno.EINVAL)


# --- waiting for several --------------------------------------------------------------------------

Ready = list[tuple[int, int]]


@syscall("poll")
def poll(watched: Sequence[tuple[int, int]], timeout_ns: int) -> Ready | Wait:
    """What is ready of (fd, events); [] after timeout_ns (-1: never). A descriptor that is not open is POLLNVAL."""
    task = this.task

    def look() -> Ready | None:
        ready = []
        for fd, events in watched:
            if fd < 0:
                continue
            try:
                found = on_file(fd, files.poll) & (events | POLLERR | POLLHUP)
            except GuestFault:
                found = POLLNVAL
            if found:
                ready.append((fd, found))
        return ready or None

    deadline = int(task.restart[_DEADLINE])
    if not deadline:
        deadline = _NEVER if timeout_ns < 0 else now_ns() + timeout_ns
        task.restart[_DEADLINE] = deadline
    if timeout_ns == 0 or deadline <= now_ns():
        found: Ready | Wait | None = look() or []
    else:
        found = polling.wait_until(look, 0 if deadline == _NEVER else deadline)
    if not isinstance(found, Wait):
        task.restart[_DEADLINE] = 0
    assert found is not None
    return found
