"""Guests' classes over native types that can take themselves apart: a date, a Decimal, an array, a StringIO.

What the native type says of an instance is right; who asks the instance asks the guest's class, which may have a
`__reduce__` of its own, and pickle would call the class, with its `__new__` and `__init__`. So the native type's own
methods are called, at both ends, and what the class added is put in as for any instance.
"""

from __future__ import annotations

import io
import random
import weakref
from typing import TYPE_CHECKING, Any

from kos.runtime.freeze import instances, static

if TYPE_CHECKING:
    from kos.runtime.freeze.instances import Kind
    from kos.runtime.freeze.pickler import Freezer, Reduced


def _state_of_io(one: Any) -> Any:
    """What its `__setstate__` takes; True: it is closed; False: it has not been initialized."""
    kind: Any = io.BytesIO if isinstance(one, io.BytesIO) else io.StringIO
    try:
        return kind.__getstate__(one)
    except ValueError:
        pass
    try:
        return kind.closed.__get__(one)
    except ValueError:
        return False


def _set_io(one: Any, state: Any) -> None:
    kind: Any = io.BytesIO if isinstance(one, io.BytesIO) else io.StringIO
    if state is True:
        kind.__init__(one)
        kind.close(one)
    elif state is not False:
        kind.__setstate__(one, state)


_GENERATOR: Any = random.Random.__base__
#: How the state of instances is told and taken back, where it is not as pickle has it.
_STATES: dict[type, tuple[Any, Any]] = {
    _GENERATOR: (_GENERATOR.getstate, _GENERATOR.setstate),
    io.StringIO: (_state_of_io, _set_io),
    io.BytesIO: (_state_of_io, _set_io),
}


def _taken_apart(one: Any, solid: Any) -> tuple[Any, ...] | None:
    """As of `__reduce_ex__`; None: the native type has no way."""
    if solid in _STATES:
        return type(one), (), _STATES[solid][0](one)
    if solid is weakref.ref:
        target, callback = weakref.ref.__call__(one), vars(weakref.ref)["__callback__"].__get__(one)
        return (dead_reference, (type(one),)) if target is None else (type(one), (target, callback))
    for base in solid.__mro__:
        if base is object:
            break
        if "__reduce_ex__" in vars(base):
            return tuple(base.__reduce_ex__(one, 4))
        if "__reduce__" in vars(base):
            return tuple(base.__reduce__(one))
    return None


def reduce_subtype(freezer: Freezer, one: Any, kind: Kind) -> Reduced:
    """How the native type below would do it."""
    cls, solid = type(one), kind.solid
    made = _taken_apart(one, solid)
    if made is None or any(made[3:]):
        raise freezer.refuse(one, f"cannot copy a {cls.__name__!r} object at fork")
    make, args, *rest = made
    states = rest[:1] if solid in _STATES or hasattr(solid, "__setstate__") else []
    attributes = instances.attributes_of(one, kind)
    freezer.later(set_state, one, (solid, states, attributes, instances.slot_values(one, kind)))
    if make is cls:
        make, args = new_from, (cls, solid, args)
    if kind.hashed:
        return instances.reduce_hashed(freezer, one, attributes, kind, make, args)
    return (make, args)


def reduce_io(freezer: Freezer, one: Any) -> Reduced:
    """A file in memory, open or closed."""
    kind = type(one)
    freezer.later(set_state, one, (kind, [_state_of_io(one)], None, None))
    return (new_from, (kind, kind, ()))


class _Gone:
    pass


def dead_reference(cls: type[weakref.ref[Any]]) -> weakref.ref[Any]:
    """A reference to what is there no more."""
    return weakref.ref.__new__(cls, _Gone())


def new_from(cls: type, solid: type, args: tuple[Any, ...]) -> Any:
    """Without the class's own `__new__` and `__init__`."""
    return solid.__new__(cls, *args)


def set_state(one: Any, given: tuple[Any, list[Any], dict[str, Any] | None, Any]) -> None:
    """By the native type's own method, if it has a state; then attributes and slots."""
    solid, states, attributes, slots = given
    for state in states:
        put = _STATES[solid][1] if solid in _STATES else solid.__setstate__
        put(one, state)
    if attributes and any("__dict__" in vars(base) for base in solid.__mro__):  # it may not be replaced
        object.__getattribute__(one, "__dict__").update(attributes)
        attributes = None
    instances.set_slots(one, (attributes or None, slots))


TABLE: dict[type, Any] = {io.StringIO: reduce_io, io.BytesIO: reduce_io}
static.register((new_from, dead_reference, set_state, io.StringIO, io.BytesIO))
