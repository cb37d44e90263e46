"""select: select() and poll objects, both over the kernel's poll. Errors as in Modules/selectmodule.c."""

from __future__ import annotations

import errno
import os as _os
from typing import Any

from _kos import syscalls as k

from kos.stdlib import args

__all__ = ["poll", "select"]

_IN, _PRI, _OUT, _ERR, _HUP, _NVAL = 1, 2, 4, 8, 16, 32
_DEFAULT = _IN | _PRI | _OUT
_FD_SETSIZE = 1024
#: What select() calls ready, as poll's events (fs/select.c: POLLIN_SET, POLLOUT_SET, POLLEX_SET).
_READY = (_IN | _HUP | _ERR, _OUT | _ERR, _PRI)
_ASKED = (_IN, _OUT, _PRI)
_ONE_MS = 1_000_000


def _descriptors(sequence: Any) -> list[tuple[Any, int]]:
    """(object, descriptor) of one of select's lists, which a fileno() method may shorten under our hands."""
    if not hasattr(type(sequence), "__iter__") and not hasattr(type(sequence), "__getitem__"):
        raise TypeError("arguments 1-3 must be sequences")
    items = sequence if isinstance(sequence, list | tuple) else list(sequence)
    out: list[tuple[Any, int]] = []
    at = 0
    while at < len(items):
        item = items[at]
        fd = args.file_descriptor(item)
        if fd >= _FD_SETSIZE:
            raise ValueError("filedescriptor out of range in select()")
        out.append((item, fd))
        at += 1
    return out


def select(
    rlist: Any, wlist: Any, xlist: Any, timeout: float | None = None, /
) -> tuple[list[Any], list[Any], list[Any]]:
    timeout_ns = -1
    if timeout is not None:
        timeout_ns = args.duration_ns(timeout, "timeout must be a float or None")
        if timeout_ns < 0:
            raise ValueError("timeout must be non-negative")
    asked = (_descriptors(rlist), _descriptors(wlist), _descriptors(xlist))
    events: dict[int, int] = {}
    for kind in range(3):
        for _, fd in asked[kind]:
            events[fd] = events.get(fd, 0) | _ASKED[kind]
    ready = dict(k.poll(list(events.items()), timeout_ns))
    if any(revents & _NVAL for revents in ready.values()):
        raise OSError(errno.EBADF, _os.strerror(errno.EBADF))
    # HUP and ERR come unasked from poll: only who asked for the kind they belong to is told.
    found = [[obj for obj, fd in asked[kind] if ready.get(fd, 0) & _READY[kind]] for kind in range(3)]
    return found[0], found[1], found[2]


def _mask(eventmask: Any) -> int:
    if not isinstance(eventmask, int):
        raise TypeError("an integer is required")
    if eventmask < 0:
        raise ValueError("value must be positive")
    if eventmask > 0xFFFF:
        raise OverflowError("Python int too large for C unsigned short")
    return eventmask


class _Poll:
    """A poll object; select.poll() makes it."""

    __slots__ = ("_events", "_polling")

    def __init__(self) -> None:
        self._events: dict[int, int] = {}
        self._polling = False

    def __repr__(self) -> str:
        return f"<select.poll object at {id(self):#x}>"

    def register(self, fd: Any, eventmask: int = _DEFAULT, /) -> None:
        number = args.file_descriptor(fd)
        self._events[number] = _mask(eventmask)

    def modify(self, fd: Any, eventmask: int, /) -> None:
        number, mask = args.file_descriptor(fd), _mask(eventmask)
        if number not in self._events:
            raise OSError(errno.ENOENT, _os.strerror(errno.ENOENT))
        self._events[number] = mask

    def unregister(self, fd: Any, /) -> None:
        del self._events[args.file_descriptor(fd)]

    def poll(self, timeout: Any = None, /) -> list[tuple[int, int]]:
        timeout_ns = -1
        if timeout is not None:
            ms = -(-args.duration_ns(timeout, "timeout must be an integer or None", _ONE_MS) // _ONE_MS)
            if not -args.INT_MAX - 1 <= ms <= args.INT_MAX:
                raise OverflowError("timeout is too large")
            timeout_ns = -1 if ms < 0 else ms * _ONE_MS
        if self._polling:
            raise RuntimeError("concurrent poll() invocation")
        self._polling = True
        try:
            ready: list[tuple[int, int]] = k.poll(list(self._events.items()), timeout_ns)
        finally:
            self._polling = False
        return list(ready)


def poll(*extra: object) -> _Poll:
    args.exactly(0, "select.poll", extra)
    return _Poll()
