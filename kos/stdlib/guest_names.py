"""kos.guest under kos: constants, and what needs no system call.

Native, so that load and store are the runtime's own functions: a loop over memory pays for no further frame.
"""

from __future__ import annotations

from kos.guest_abi import *  # noqa: F403  # the numbers, all of them
from kos.guest_abi import __all__ as _numbers
from kos.runtime.memory import (
    compare_exchange64,
    exchange64,
    fetch_add64,
    load,
    load8,
    load16,
    load32,
    load64,
    store,
    store8,
    store16,
    store32,
    store64,
)


class ThreadExit(BaseException):
    """guest.exit_thread on its way out of a thread's function, through its `finally` parts."""


__all__ = [
    *_numbers, "compare_exchange64", "exchange64", "fetch_add64", "load", "load8", "load16", "load32", "load64",
    "store", "store8", "store16", "store32", "store64",
]  # fmt: skip
