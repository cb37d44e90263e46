"""resource: limits and usage. Errors as in Modules/resource.c."""

from __future__ import annotations

import os as _os
import resource as _host
from typing import Any

from _kos import syscalls as k

from kos.stdlib import args

__all__ = ["getpagesize", "getrlimit", "getrusage", "prlimit", "setrlimit"]

_INFINITY = -1
_NR_LIMITS = 16


def _which(resource: Any) -> int:
    number = args.c_int(resource)
    if not 0 <= number < _NR_LIMITS:
        raise ValueError("invalid resource specified")
    return number


def _pair(limits: Any) -> tuple[int, int]:
    """(soft, hard) as rlim_t sees them; RLIM_INFINITY is -1, and so is any other number's unsigned twin."""
    pair = limits if isinstance(limits, tuple) else tuple(limits)
    if len(pair) != 2:
        raise ValueError("expected a tuple of 2 integers")
    return args.c_long(pair[0]), args.c_long(pair[1])


def _unsigned(limit: int) -> int:
    return limit & 0xFFFF_FFFF_FFFF_FFFF


def getrlimit(resource: int, /) -> tuple[int, int]:
    soft, hard = k.getrlimit(_which(resource))
    return soft, hard


def setrlimit(resource: int, limits: Any, /) -> None:
    number = _which(resource)
    soft, hard = _pair(limits)
    if _unsigned(soft) > _unsigned(hard):
        raise ValueError("current limit exceeds maximum limit")
    try:
        k.setrlimit(number, soft, hard)
    except PermissionError:
        raise ValueError("not allowed to raise maximum limit") from None
    except OSError as e:
        if e.errno == 22:
            raise ValueError("current limit exceeds maximum limit") from None
        raise


def prlimit(pid: int, resource: int, limits: Any = None, /) -> tuple[int, int]:
    pid = args.c_int(pid)
    if pid not in (0, k.getpid()):
        raise ProcessLookupError(3, _os.strerror(3))
    old = getrlimit(resource)
    if limits is not None:
        setrlimit(resource, limits)
    return old


def getrusage(who: int, /) -> _host.struct_rusage:
    who = args.c_int(who)
    if who not in (_host.RUSAGE_SELF, _host.RUSAGE_CHILDREN, _host.RUSAGE_THREAD):
        raise ValueError("invalid who parameter")
    return _host.struct_rusage(k.getrusage(who))


def getpagesize() -> int:
    return 4096
