"""RLIMIT_FSIZE: no file grows past it. Linux: generic_write_check_limits(), inode_newsize_ok()."""

from __future__ import annotations

import errno
from collections.abc import Callable

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.sched.structs import RLIM_INFINITY, Task, processes

RLIMIT_FSIZE = 1


class _Hooks:
    """What other parts do for file sizes; set at boot."""

    sigxfsz: Callable[[Task], None] = staticmethod(lambda task: None)  #: send SIGXFSZ to the task


hooks = _Hooks()


def on_sigxfsz(send: Callable[[Task], None]) -> None:
    """Who sends SIGXFSZ: called with the task, locks up to the inode's held, before the call fails with EFBIG."""
    hooks.sigxfsz = send


def room_from(pos: int, n: int) -> int:
    """How many of n > 0 bytes may be written at `pos`; none: SIGXFSZ and EFBIG."""
    limit = _limit()
    if limit == RLIM_INFINITY:
        return n
    if pos >= limit:
        _too_large()
    return min(n, limit - pos)


def check_growth(size: int) -> None:
    """May the caller make a file this much longer? If not: SIGXFSZ and EFBIG."""
    if size > _limit():
        _too_large()


def _limit() -> int:
    task: Task | None = this.task
    return int(processes[task.process].rlimits[2 * RLIMIT_FSIZE]) if task is not None else RLIM_INFINITY


def _too_large() -> None:
    hooks.sigxfsz(this.task)
    raise GuestFault(errno.EFBIG)
