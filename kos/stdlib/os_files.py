"""os: calls on descriptors.

Resumable: a read, write, open or lock may sleep, and a signal's handler may run before any of these returns.
"""

from __future__ import annotations

import os as _host
import sys as _sys
from collections.abc import Sequence
from typing import IO, Any

from _kos import syscalls as k
from _kos import world

from kos.stdlib import args

__all__ = [
    "close", "closerange", "dup", "dup2", "fchmod", "fdatasync", "fdopen", "fstat", "fsync", "ftruncate",
    "get_blocking", "get_inheritable", "get_terminal_size", "isatty", "lseek", "memfd_create", "open", "pipe", "pipe2",
    "pread", "preadv", "pwrite", "pwritev", "read", "readv", "set_blocking", "set_inheritable", "write", "writev",
]  # fmt: skip

_F_DUPFD_CLOEXEC, _F_GETFD, _F_SETFD, _F_GETFL, _F_SETFL = 1030, 1, 2, 3, 4
_RWF_APPEND = _host.RWF_APPEND
_RWF = _host.RWF_HIPRI | _host.RWF_DSYNC | _host.RWF_SYNC | _host.RWF_NOWAIT | _RWF_APPEND
read, write = k.os_read, k.os_write
_O_CLOEXEC, _O_NONBLOCK = _host.O_CLOEXEC, _host.O_NONBLOCK


def open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: Any = None) -> int:
    name = args.path(path, "open")
    flags, mode = args.c_int(flags), args.c_int(mode)
    try:
        if dir_fd is not None and name and name[:1] not in ("/", b"/"):
            k.fcntl(args.dir_fd(dir_fd), _F_GETFD, 0)  # EBADF
            above = f"/proc/thread-self/fd/{dir_fd}/"
            name = above.encode() + name if isinstance(name, bytes) else above + name
        fd: int = k.open(name, flags | _O_CLOEXEC, mode)
    except OSError as e:
        e.filename = path
        raise
    return fd


def close(fd: int) -> None:
    k.close(args.c_int(fd))


def closerange(fd_low: int, fd_high: int, /) -> None:
    k.closerange(args.c_int(fd_low), args.c_int(fd_high))


def readv(fd: int, buffers: Sequence[Any], /) -> int:
    fd = args.c_int(fd)
    segments, views = args.targets("readv", buffers)
    total, pieces = k.readv(fd, segments)
    args.deliver(views, pieces)
    return total


def writev(fd: int, buffers: Sequence[Any], /) -> int:
    fd = args.c_int(fd)
    total: int = k.writev(fd, args.sources("writev", buffers))
    return total


def pread(fd: int, length: int, offset: int, /) -> bytes:
    data: bytes = k.pread(args.c_int(fd), args.c_ssize(length), args.c_long(offset))
    return data


def pwrite(fd: int, data: Any, offset: int, /) -> int:
    fd, offset = args.c_int(fd), args.c_long(offset)
    data = args.source(data)
    total: int = k.pwritev(fd, [data], offset) if type(data) is tuple else k.pwrite(fd, data, offset)
    return total


def preadv(fd: int, buffers: Sequence[Any], offset: int, flags: int = 0, /) -> int:
    fd, offset = args.c_int(fd), args.c_long(offset)
    segments, views = args.targets("preadv", buffers)
    _rwf(flags)
    # The C library's preadv2 takes -1 for "where the descriptor stands".
    total, pieces = k.readv(fd, segments) if offset == -1 else k.preadv(fd, segments, offset)
    args.deliver(views, pieces)
    return total


def pwritev(fd: int, buffers: Sequence[Any], offset: int, flags: int = 0, /) -> int:
    fd, offset = args.c_int(fd), args.c_long(offset)
    sources = args.sources("pwritev", buffers)
    _rwf(flags)
    total: int = k.writev(fd, sources) if offset == -1 else k.pwritev(fd, sources, offset, bool(flags & _RWF_APPEND))
    return total


def _rwf(flags: int) -> None:
    """What preadv2 and pwritev2 know, most of it about disks; there are none here."""
    if args.c_int(flags) & ~_RWF:
        raise OSError(95, _host.strerror(95))


def lseek(fd: int, position: int, how: int, /) -> int:
    at: int = k.lseek(args.c_int(fd), args.c_long(position), args.c_int(how))
    return at


def dup(fd: int, /) -> int:
    new: int = k.dup(args.c_int(fd), 0, True)
    return new


def dup2(fd: int, fd2: int, inheritable: bool = True) -> int:
    new: int = k.dup2(args.c_int(fd), args.c_int(fd2), not inheritable)
    return new


def pipe(*extra: object) -> tuple[int, int]:
    args.exactly(0, "posix.pipe", extra)
    ends: tuple[int, int] = k.pipe2(_O_CLOEXEC)
    return ends


def pipe2(flags: int, /) -> tuple[int, int]:
    ends: tuple[int, int] = k.pipe2(args.c_int(flags))
    return ends


def fstat(fd: int) -> _host.stat_result:
    return args.stat_result(k.fstat(args.c_int(fd)))


def isatty(fd: int, /) -> bool:
    fd = args.c_int(fd)
    try:
        return bool(k.isatty(fd))
    except OSError:  # isatty(3) answers 0 for a closed descriptor
        return False


def get_inheritable(fd: int, /) -> bool:
    return not k.fcntl(args.c_int(fd), _F_GETFD, 0) & 1


def set_inheritable(fd: int, inheritable: int, /) -> None:
    fd, inheritable = args.c_int(fd), args.c_int(inheritable)
    k.fcntl(fd, _F_SETFD, 0 if inheritable else 1)


def get_blocking(fd: int, /) -> bool:
    return not k.fcntl(args.c_int(fd), _F_GETFL, 0) & _O_NONBLOCK


def set_blocking(fd: int, blocking: int, /) -> None:
    fd = args.c_int(fd)
    blocking = bool(blocking) if _sys.version_info >= (3, 12) else args.c_int(blocking)
    flags = k.fcntl(fd, _F_GETFL, 0) & ~_O_NONBLOCK
    k.fcntl(fd, _F_SETFL, flags if blocking else flags | _O_NONBLOCK)


def fsync(fd: Any) -> None:
    k.fsync(args.file_descriptor(fd))


def fdatasync(fd: Any) -> None:
    k.fsync(args.file_descriptor(fd))


def ftruncate(fd: int, length: int, /) -> None:
    k.ftruncate(args.c_int(fd), args.c_long(length))


def fchmod(fd: int, mode: int) -> None:
    k.fchmod(args.c_int(fd), args.c_int(mode))


def memfd_create(name: Any, flags: int = 1) -> int:
    fd: int = k.memfd_create(_host.fsdecode(args.fs_bytes(name)), args.c_int(flags))
    return fd


def fdopen(
    fd: int, mode: str = "r", buffering: int = -1, encoding: str | None = None, *rest: Any, **kw: Any
) -> IO[Any]:
    if not isinstance(fd, int):
        raise TypeError(f"invalid fd type ({type(fd)}, expected integer)")
    stream: IO[Any] = world.current().builtins["open"](fd, mode, buffering, encoding, *rest, **kw)
    return stream


def get_terminal_size(fd: int = 1, /) -> _host.terminal_size:
    fd = args.c_int(fd)
    k.fcntl(fd, _F_GETFD, 0)  # EBADF
    if not k.isatty(fd):
        raise OSError(25, _host.strerror(25))
    return _host.terminal_size((80, 24))
