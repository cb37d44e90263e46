"""System calls as a guest sees them: callable objects that may suspend their caller."""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import GeneratorType
from typing import Any

from kos.runtime.sync import sync

RawCall = Callable[..., Any]


class KernelCall:
    """`KernelCall(name, raw)`: a call of it by guest code is `raw(*args)` in the guest's own chain of frames.

    raw returns the result, or a generator (of compiled guest code) where the caller has to be suspended. Called by
    native code it runs to its end there. To a guest it looks like a built-in function.
    """

    __slots__ = ("__dict__", "__name__", "__qualname__", "__weakref__", "raw")

    def __init__(self, name: str, raw: RawCall) -> None:
        self.__name__ = self.__qualname__ = name
        self.raw = raw

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self.raw(*args, **kwargs)
        return sync(result) if type(result) is GeneratorType else result

    def __repr__(self) -> str:
        return f"<built-in function {self.__name__}>"


def _trap(x: object) -> Generator[object, Any, Any]:
    """The only leaf that yields to the kernel: what is sent is the trap's answer, what is thrown is raised here."""
    return (yield x)


#: The code of the leaf, by which `frames.capture` knows it.
TRAP_CODE = _trap.__code__
trap = KernelCall("trap", _trap)
