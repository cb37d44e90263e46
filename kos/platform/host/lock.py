"""The host's semaphores: the only cross-process lock kos knows (about 100 ns uncontended)."""

from __future__ import annotations

from collections.abc import Callable

import multiprocess


class HostLock:
    """A binary semaphore shared by forked processes.

    try_acquire() -> bool never blocks; release() may be called by the holder only.
    Both are the C methods themselves: one call, no Python frame.
    """

    __slots__ = ("_sem", "release", "try_acquire")

    def __init__(self) -> None:
        self._sem = multiprocess.get_context("fork").Semaphore(1)._semlock
        acquire = self._sem.acquire
        self.try_acquire: Callable[[bool], bool] = acquire  #: call with False
        self.release: Callable[[], None] = self._sem.release

    def is_free(self) -> bool:
        return bool(self._sem._get_value() > 0)
