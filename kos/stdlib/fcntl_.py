"""fcntl: the integer commands on descriptors. There are no devices to ioctl and no record locks."""

from __future__ import annotations

import errno
import os as _os
from typing import Any, NoReturn

from _kos import syscalls as k

from kos.stdlib import args

__all__ = ["fcntl", "flock", "ioctl", "lockf"]

_F_GETFD = 1


def fcntl(fd: Any, cmd: int, arg: Any = 0, /) -> Any:
    number, command = args.file_descriptor(fd), args.c_int(cmd)
    if isinstance(arg, str | bytes | bytearray):
        # A buffer for a struct: none of the commands that kos has takes one.
        k.fcntl(number, _F_GETFD, 0)
        raise OSError(errno.EINVAL, _os.strerror(errno.EINVAL))
    return k.fcntl(number, command, args.c_int(arg))


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
