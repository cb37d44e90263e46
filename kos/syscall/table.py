"""The system call table: name -> function.

The functions take plain Python values and work for `this.task`. Each returns a result, raises GuestFault with nothing
changed, or returns a Wait and is then called again from its start, with the same arguments, when the task is awake.
What such a call has to remember meanwhile (a deadline, say) it keeps in the four words of Task.restart, which are
zero when a call begins, and which it clears again when it does not return a Wait:

    word 0, 1, 3   the call's own
    word 2         1 = the last sleep was ended by its wait queue (kos.sched.waitqueue.WOKEN)

kos.syscall.entry makes the calls that guests see of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

CALLS: dict[str, Callable[..., Any]] = {}
F = TypeVar("F", bound=Callable[..., Any])


def syscall(name: str) -> Callable[[F], F]:
    """Decorator: enter a function into the table."""

    def enter(fn: F) -> F:
        if name in CALLS:
            raise ValueError(f"two system calls are named {name!r}")
        CALLS[name] = fn
        return fn

    return enter
