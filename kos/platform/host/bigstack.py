"""Deep recursion in C code: done on a stack that is large enough for it.

Pickle walks nested lists by recursion in C. A chain of thousands of them does not fit the
stack that this process has, nor Python's limit. A host thread gets a stack of any size; it lives
for this one call, while its creator waits.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from kos.platform.host.depth import deepen_c

T = TypeVar("T")
_SIZE = 512 << 20  #: bytes, reserved and not touched
_DEPTH = 400_000  #: frames that surely fit: the C stack takes about 0.5 KiB for one of pickle's


def run_on_big_stack(call: Callable[[], T]) -> T:
    """call()'s result or exception, with room for deep recursion."""
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            deepen_c(_DEPTH)
            results.append(call())
        except BaseException as error:  # handed to the caller below
            errors.append(error)

    old_size, old_depth = threading.stack_size(_SIZE), sys.getrecursionlimit()
    try:
        thread = threading.Thread(target=body)
        sys.setrecursionlimit(_DEPTH)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(old_size)
        sys.setrecursionlimit(old_depth)
    if errors:
        raise errors[0]
    return results[0]
