"""A limit in time on a call of somebody else's code, in the main thread of a process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooLong(BaseException):
    """The call was still not over. No Exception: what it calls must not take it for one of its own."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TooLong inside the block once it has taken so long, and each second from then on, should that be caught.

    It interrupts Python code and calls of the host that wait; C code that computes is interrupted at its end.
    """

    def over(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
