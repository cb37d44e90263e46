"""fcntl: the integer commands on descriptors. There are no devices to ioctl and no record locks."""

from __future__ import annotations

import errno
import os as _os
from operator import index
from typing import Any, NoReturn

from _kos import syscalls as k

from kos.stdlib import args

__all__ = ["fcntl", "flock", "ioctl", "lockf"]

_F_GETFD, _F_GETFL = 1, 3
_BUFFER = 1024  #: bytes that a struct may have


def fcntl(fd: Any, cmd: int, arg: Any = 0, /) -> Any:
    number, command = args.file_descriptor(fd), args.c_int(cmd)
    if isinstance(arg, str | bytes | bytearray):
        # A buffer for a struct, given back as the command leaves it. Those that kos has either take a number, for
        # which an address is none, or look at nothing.
        data = arg.encode() if isinstance(arg, str) else bytes(arg)
        if len(data) > _BUFFER:
            raise ValueError("fcntl string arg too long")
        k.fcntl(number, _F_GETFD, 0)
        if command not in (_F_GETFD, _F_GETFL):
            raise OSError(errno.EINVAL, _os.strerror(errno.EINVAL))
        return data
    return k.fcntl(number, command, index(arg) & 0xFFFF_FFFF)


def ioctl(fd: Any, request: int, arg: Any = 0, mutate_flag: bool = True, /) -> NoReturn:
    k.fcntl(args.file_descriptor(fd), _F_GETFD, 0)
    raise OSError(errno.ENOTTY, _os.strerror(errno.ENOTTY))


def _no_locks(fd: Any) -> NoReturn:
    k.fcntl(args.file_descriptor(fd), _F_GETFD, 0)
    raise OSError(errno.ENOLCK, _os.strerror(errno.ENOLCK))


def flock(fd: Any, operation: int, /) -> NoReturn:
    _no_locks(fd)


def lockf(fd: Any, cmd: int, len: int = 0, start: int = 0, whence: int = 0, /) -> NoReturn:
    _no_locks(fd)
