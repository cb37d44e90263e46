"""The generators of collections.abc's mixin methods, half used: they can be copied although they are native code.

A guest's `class Ring(Sequence)` is iterated by a generator of the host's library. What such a generator is about to
do is known from its few locals, so the copy is a generator made here that begins at that place.
"""

from __future__ import annotations

import collections.abc
import gc
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from kos.runtime.freeze import static

State = tuple[Callable[..., Iterator[Any]], tuple[Any, ...]]


def sequence_from(self: Any, i: int) -> Iterator[Any]:
    """Sequence.__iter__, from item i on."""
    try:
        while True:
            v = self[i]
            yield v
            i += 1
    except IndexError:
        return


def sequence_back(self: Any, i: int | None) -> Iterator[Any]:
    """Sequence.__reversed__, from item i on; None: from the last one, whichever that then is."""
    if i is None:
        i = len(self) - 1
    while i >= 0:
        yield self[i]
        i -= 1


def keys_from(self: Any, rest: Any) -> Iterator[Any]:
    """KeysView.__iter__; rest: the iterator that it has begun, or None."""
    yield from self._mapping if rest is None else rest


def items_from(self: Any, rest: Any) -> Iterator[Any]:
    """ItemsView.__iter__ likewise."""
    rest = iter(self._mapping) if rest is None else rest
    for key in rest:
        yield (key, self._mapping[key])


def values_from(self: Any, rest: Any) -> Iterator[Any]:
    """ValuesView.__iter__ likewise."""
    rest = iter(self._mapping) if rest is None else rest
    for key in rest:
        yield self._mapping[key]


def _forward(values: Any, body: Any) -> Any:
    return values.get("i", 0) + body.gi_suspended


def _backward(values: Any, body: Any) -> Any:
    return values["i"] - 1 if body.gi_suspended else values.get("i")


def _delegated(values: Any, body: Any) -> Any:
    return body.gi_yieldfrom if body.gi_suspended else values.get("rest")


def _on_stack(values: Any, body: Any) -> Any:
    if "rest" in values or not body.gi_suspended:
        return values.get("rest")
    known = {id(value) for value in values.values()}
    return next(x for x in gc.get_referents(body) if id(x) not in known and hasattr(type(x), "__next__"))


_ABC: Any = collections.abc
_HOW: dict[CodeType, tuple[Callable[..., Iterator[Any]], Callable[[Any, Any], Any]]] = {}
for _own, _theirs, _state in (
    (sequence_from, _ABC.Sequence.__iter__, _forward),
    (sequence_back, _ABC.Sequence.__reversed__, _backward),
    (keys_from, _ABC.KeysView.__iter__, _delegated),
    (items_from, _ABC.ItemsView.__iter__, _on_stack),
    (values_from, _ABC.ValuesView.__iter__, _on_stack),
):
    _HOW[_theirs.__code__] = _HOW[_own.__code__] = (_own, _state)


def state_of(body: Any) -> State | None:
    """(function, arguments) that make a generator which goes on like this one; None for any other generator."""
    how = _HOW.get(body.gi_code)
    if how is None:
        return None
    values = dict(body.gi_frame.f_locals)
    return how[0], (values["self"], how[1](values, body))


static.register((sequence_from, sequence_back, keys_from, items_from, values_from))
