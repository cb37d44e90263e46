"""kos.guest under kos: the system calls that the standard library has no name for.

The door for the host is kos/guest.py; the two have the same names. What makes tasks is in fork_.py.
"""

from __future__ import annotations

import errno
import os as _host
from operator import index
from typing import Any

from _kos import syscalls as k

from kos.guest_abi import MREMAP_FIXED, MS_SYNC, PageInfo
from kos.stdlib import args

__all__ = [
    "brk", "futex_wait", "futex_wake", "getcpu", "gettid", "madvise", "mincore", "minherit", "mmap", "mprotect",
    "mremap", "msync", "munmap", "pagemap", "read", "sbrk", "write",
]  # fmt: skip

_WORD = (1 << 64) - 1  #: what a register holds of an address

getcpu = k.getcpu
gettid = k.gettid


def mmap(addr: int, length: int, prot: int, flags: int, fd: int = -1, offset: int = 0) -> int:
    at: int = k.mmap(index(addr), index(length), index(prot), index(flags), index(fd), index(offset))
    return at


def munmap(addr: int, length: int) -> None:
    k.munmap(index(addr), index(length))


def mprotect(addr: int, length: int, prot: int) -> None:
    k.mprotect(index(addr), index(length), index(prot))


def mremap(addr: int, old: int, new: int, flags: int = 0) -> int:
    if flags & MREMAP_FIXED:  # there is no argument for the place
        raise OSError(errno.EINVAL, _host.strerror(errno.EINVAL))
    at: int = k.mremap(index(addr), index(old), index(new), index(flags))
    return at


def madvise(addr: int, length: int, advice: int) -> None:
    k.madvise(index(addr), index(length), index(advice))


def mincore(addr: int, length: int) -> bytes:
    resident: bytes = k.mincore(index(addr), index(length))
    return resident


def msync(addr: int, length: int, flags: int = MS_SYNC) -> None:
    k.msync(index(addr), index(length), index(flags))


def minherit(addr: int, length: int, inherit: int) -> None:
    k.minherit(index(addr), index(length), index(inherit))


def brk(addr: int) -> int:
    end: int = k.brk(index(addr))
    return end


def sbrk(increment: int) -> int:
    increment = index(increment)
    end: int = k.brk(0)
    if increment and (end + increment < 0 or k.brk(end + increment) != end + increment):
        raise OSError(errno.ENOMEM, _host.strerror(errno.ENOMEM))
    return end


def read(fd: int, addr: int, n: int) -> int:
    moved: int = k.read_user(args.c_int(fd), index(addr) & _WORD, index(n))
    return moved


def write(fd: int, addr: int, n: int) -> int:
    moved: int = k.write_user(args.c_int(fd), index(addr) & _WORD, index(n))
    return moved


def futex_wait(addr: int, expected: int, timeout: float | None = None) -> int:
    timeout_ns = -1 if timeout is None else args.duration_ns(timeout)
    if timeout is not None and timeout_ns < 0:
        raise OSError(errno.EINVAL, _host.strerror(errno.EINVAL))
    k.futex_wait(index(addr) & _WORD, index(expected) & 0xFFFF_FFFF, timeout_ns)
    return 0


def futex_wake(addr: int, n: int) -> int:
    woken: int = k.futex_wake(index(addr) & _WORD, index(n))
    return woken


def pagemap(addr: int) -> Any:
    addr = index(addr)
    if addr < 0:  # the page map is a file, and this is no place in it
        raise OSError(errno.EINVAL, _host.strerror(errno.EINVAL))
    return PageInfo(*k.pagemap(addr))
