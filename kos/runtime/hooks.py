"""What the runtime of the language needs from the kernel around it, as settable hooks.

The language runtime knows no kernel: who runs guests sets these before the first one runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def _no_kernel(trap: object) -> Any:
    raise RuntimeError(f"{trap!r} from code that C called, and no kernel to suspend it")


#: Called with a trap by guest code that C code called; returns the trap's answer (or raises it) when there is one.
suspend: Callable[[Any], Any] = _no_kernel

#: True while something is pending on this CPU: safepoints ask it. Put into builtins by `helpers.install`.
pending: object = False


def _trap_at_safepoint() -> Any:
    from kos.runtime import library

    return library.maker("calls", "safepoint")()


#: What a body delegates to at a safepoint that finds the pending word set: an iterable, () for nothing to do.
safepoint: Callable[[], Any] = _trap_at_safepoint


def _raise(error: BaseException, one: object) -> None:
    raise error


#: Told of what a generator raised as it was dropped: by then nobody can catch it.
unraisable: Callable[[BaseException, object], None] = _raise

#: Exception types whose handlers and `finally` parts a dead task's frames must not run: see `dead`.
DEAD: list[Any] = [()]


@contextmanager
def dead() -> Iterator[None]:
    """While it is open, guest frames that are dropped run none of their handlers and `finally` parts.

    A task that is gone (killed, or captured and continued elsewhere) leaves generators behind, and to drop
    a suspended generator is to raise GeneratorExit in it.
    """
    DEAD[0] = BaseException
    try:
        yield
    finally:
        DEAD[0] = ()
