"""Iterating guest iterators from guest code.

A native loop over a native iterator stays one. Where the iterator is a guest's, the loop gets a `Steps` adapter, which
answers PENDING when a step has to suspend, and the loop then delegates to `$step(adapter)`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator
from types import GeneratorType
from typing import Any

from kos.compiler.units import by_stub
from kos.runtime import library
from kos.runtime.functions import is_suspendable
from kos.runtime.guestgen import GuestGen, NativeGen, as_exception, result_of_close


class _Pending:
    __slots__ = ()

    def __reduce__(self) -> str:
        return "PENDING"


PENDING: Any = _Pending()


class GenSteps:
    """Iterates a guest's generator: natively as long as it does not suspend."""

    __slots__ = ("gen",)

    def __init__(self, gen: GuestGen) -> None:
        self.gen = gen

    def __iter__(self) -> GenSteps:
        return self

    def __next__(self) -> Any:
        result = self.gen.advance()
        return result[0] if type(result) is tuple else PENDING


class NextSteps:
    """Iterates an object whose class has a guest `__next__`."""

    __slots__ = ("done", "obj")

    def __init__(self, obj: Any) -> None:
        self.obj = obj
        self.done = False

    def __iter__(self) -> NextSteps:
        return self

    def __next__(self) -> Any:
        if self.done:
            raise StopIteration
        return PENDING


_PLAIN = frozenset({list, tuple, dict, range, str, set, frozenset, bytes, bytearray, enumerate, zip, map, filter})


def steps(iterator: Any) -> Any:
    """What a guest's loop iterates instead of this iterator."""
    kind = type(iterator)
    if kind is GuestGen:
        return GenSteps(iterator)
    if kind is GeneratorType:
        return NativeGen(iterator)  # which a fork may be able to copy
    return NextSteps(iterator) if is_suspendable(getattr(kind, "__next__", None)) else iterator


def loop_iter(x: Any) -> Any:
    """`$iter`: the iterator of a `for`; a body where the object's `__iter__` is a guest's."""
    kind = type(x)
    if kind in _PLAIN:
        return iter(x)
    if kind is GuestGen:
        return GenSteps(x)
    if kind is memoryview:
        return map(x.__getitem__, range(len(x)))  # its own iterator does not say where it stands
    own = getattr(kind, "__iter__", None)
    if is_suspendable(own) and not _makes_generators(own):
        return library.maker("iteration", "loop_iter")(x)
    return steps(iter(x))


def _makes_generators(f: Any) -> bool:
    return by_stub[id(f.__code__)].kind == "generator"


def step(adapter: GenSteps | NextSteps) -> Any:
    """`$step`: the body that brings an adapter to its next item; PENDING as a result means the end."""
    kind = type(adapter)
    if kind is not GenSteps and kind is not NextSteps:
        return _skip()
    name = "step_generator" if kind is GenSteps else "step_object"
    return library.maker("iteration", name)(adapter)


def _skip() -> Generator[Any, None, Any]:
    """Past PENDING itself, which a program has met among the values of its builtins."""
    yield from ()
    return PENDING


def again(value: Any, iterator: Any) -> Iterator[Any]:
    """`$again`: re-enters a loop in the middle of an iteration."""
    return itertools.chain((value,), iterator)


def delegate(iterable: Any) -> Any:
    """`$yf`: the body that `yield from` delegates to."""
    if type(iterable) is not GuestGen:
        own = getattr(type(iterable), "__iter__", None)
        if not is_suspendable(own) or not _makes_generators(own):
            return library.maker("iteration", "delegate", raw=True)(iterable)
        iterable = iter(iterable)
    return library.maker("iteration", "delegate_generator", raw=True)(iterable)


def collect(gen: GuestGen, limit: int) -> Any:
    """`$collect`: the body that lists what an unpacking takes of a generator."""
    return library.maker("iteration", "collect")(gen, limit)


# -- what guests call: iter, next, and the methods of generators ------------------------------------------------


def builtin_iter(*args: Any) -> Any:
    """iter(x): guest `__iter__` methods run in the guest's chain."""
    if len(args) == 1:
        own = getattr(type(args[0]), "__iter__", None)
        if is_suspendable(own) and not _makes_generators(own):
            return library.maker("iteration", "plain_iter")(args[0])
    made = iter(*args)
    return NativeGen(made) if type(made) is GeneratorType else made  # an Enum's class makes such


def builtin_next(*args: Any) -> Any:
    """next(iterator[, default])."""
    if 1 <= len(args) <= 2:
        iterator = args[0]
        kind = type(iterator)
        if kind is GuestGen:
            try:
                result = iterator.advance()
            except StopIteration:
                if len(args) == 1:
                    raise
                return args[1]
            return result[0] if type(result) is tuple else library.maker("iteration", "finish_next")(*args)
        if is_suspendable(getattr(kind, "__next__", None)):
            return library.maker("iteration", "object_next")(*args)
    return next(*args)


def _finish(gen: GuestGen, stepped: tuple[bool, Any]) -> Any:
    done, result = stepped
    return result if done else library.maker("iteration", "run_on")(gen)


def _next(gen: GuestGen) -> Any:
    return _finish(gen, gen.step(None, None))


def _send(gen: GuestGen, value: Any, /) -> Any:
    return _finish(gen, gen.step(None, value))


def _throw(gen: GuestGen, typ: Any, val: Any = None, tb: Any = None, /) -> Any:
    return _finish(gen, gen.step(as_exception(typ, val, tb), None))


def _close(gen: GuestGen) -> Any:
    if not gen.must_close():
        return None
    try:
        done, _ = gen.step(GeneratorExit(), None)
    except (StopIteration, GeneratorExit) as end:
        return result_of_close(end)
    if done:
        raise RuntimeError("generator ignored GeneratorExit")
    return library.maker("iteration", "finish_close")(gen)


GENERATOR_METHODS: dict[Any, Callable[..., Any]] = {
    GuestGen.__next__: _next,
    GuestGen.send: _send,
    GuestGen.throw: _throw,
    GuestGen.close: _close,
}
