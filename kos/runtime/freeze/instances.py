"""Instances of classes that are written in Python, taken apart without asking them.

A fork copies what an object is, so the hooks that a class has for pickle, copy or attribute
access (`__reduce__`, `__getstate__`, `__setattr__`, `__new__` ...) are not called. An
instance is made empty by the native type that its class rests on; its contents, attributes
and slots are put in later, from a queue, so that a chain of objects of any length is not
a recursion. An object may be wanted as a key before the queue is served: what a guest's `__hash__`
said of it is known (`hashes`); where native code hashes it, a dataclass's for one, it gets the
attributes that such a hash can rest on at once.
"""

from __future__ import annotations

import collections
from types import BuiltinFunctionType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, NamedTuple

from kos.runtime import hooks
from kos.runtime.freeze import hashes, static

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced

#: Py_TPFLAGS_HEAPTYPE, and two that only C code gives to its types: IMMUTABLETYPE, DISALLOW_INSTANTIATION.
_HEAPTYPE, _IMMUTABLE, _NO_INSTANCES = 1 << 9, 1 << 8, 1 << 7


#: How instances are hashed: by their address, by native code that looks at their attributes, as `hashes` knows.
BY_IDENTITY, BY_CONTENTS, KNOWN = range(3)


class Kind(NamedTuple):
    """What is known about a class's instances; worked out once in a snapshot."""

    solid: type  #: the native type below the Python classes
    has_dict: bool
    slots: tuple[tuple[str, Any], ...]  #: (name, descriptor)
    hashed: int  #: BY_IDENTITY, BY_CONTENTS or KNOWN
    new: Any  #: copyreg.__newobj__ where that means object.__new__


def is_python_class(cls: type) -> bool:
    """Whether a class statement (or type()) made it, rather than C code."""
    flags = cls.__flags__
    return (
        flags & (_HEAPTYPE | _IMMUTABLE | _NO_INSTANCES) == _HEAPTYPE
        and type(vars(cls).get("__new__")) is not BuiltinFunctionType
    )


def kind_of(cls: type) -> Kind:
    """Work out how instances of the Python class `cls` are built."""
    solid: type = object
    slots: list[tuple[str, Any]] = []
    for base in cls.__mro__:
        if not is_python_class(base):
            solid = base
            break
        if "__slots__" in vars(base):
            slots += [(n, v) for n, v in vars(base).items() if isinstance(v, MemberDescriptorType)]
    else:
        raise AssertionError("a class whose order ends without object")
    for base in cls.__mro__:  # a native base that is not the first one, below a mixin's object
        if not is_python_class(base) and base is not object:
            solid = base
            break
    known: Any = cls  # typeshed takes __new__ and __hash__ for what they cannot be here
    # For __newobj__ pickle's C code asks the object for its __class__, and perhaps the guest's code answers.
    own_answer = known.__getattribute__ is not object.__getattribute__ or any(
        "__class__" in vars(base) for base in cls.__mro__ if base is not object
    )
    plain_new = known.__new__ is object.__new__ and not own_answer
    return Kind(
        solid,
        bool(cls.__dictoffset__),
        tuple(slots),
        _how_hashed(known.__hash__),
        static.NEW_OBJECT if plain_new else object.__new__,
    )


def _how_hashed(own: Any) -> int:
    if own is object.__hash__ or own is None:
        return BY_IDENTITY
    return KNOWN if hashes.is_known(own) else BY_CONTENTS


def attributes_of(one: Any, kind: Kind) -> dict[str, Any] | None:
    """Its very __dict__, if it has one."""
    return object.__getattribute__(one, "__dict__") if kind.has_dict else None


def slot_values(one: Any, kind: Kind) -> list[tuple[str, Any]] | None:
    """The slots that are set, and what is in them; None for none."""
    found = []
    for name, descriptor in kind.slots:
        try:
            found.append((name, descriptor.__get__(one)))
        except AttributeError:
            continue  # a slot that is not set stays so
    return found or None


_CONTAINERS = (list, dict, set, collections.deque, bytearray)


def reduce_plain(freezer: Freezer, one: Any, kind: Kind) -> Reduced:
    """An instance whose class rests on `object`."""
    attributes = attributes_of(one, kind)
    cls = type(one)
    if kind.slots:
        freezer.later(set_slots, one, (attributes, slot_values(one, kind)))
    elif attributes:
        freezer.later(set_dict, one, attributes)
    if kind.hashed:
        return reduce_hashed(freezer, one, attributes, kind, kind.new, (cls,))
    return (kind.new, (cls,))


def reduce_hashed(
    freezer: Freezer, one: Any, attributes: dict[str, Any] | None, kind: Kind, make: Any, args: tuple[Any, ...]
) -> Reduced:
    """make(*args), and what it needs to be a key."""
    if kind.hashed == BY_CONTENTS:
        return (make, args, _for_hash(one, attributes, kind), None, None, set_early)
    return (make, args, hashes.number_of(freezer.world, one), None, None, hashes.set_number)


def _for_hash(one: Any, attributes: dict[str, Any] | None, kind: Kind) -> list[tuple[str, Any]]:
    values = list(attributes.items()) if attributes else []
    if kind.slots:
        values += slot_values(one, kind) or []
    return [(name, value) for name, value in values if type(value) not in _CONTAINERS]


def set_dict(one: Any, attributes: dict[str, Any]) -> None:
    """The very dict: several objects may share it, or a variable hold it."""
    object.__setattr__(one, "__dict__", attributes)


def set_early(one: Any, values: list[tuple[str, Any]]) -> None:
    """What a hash may need, before the whole __dict__ comes."""
    put = object.__setattr__
    for name, value in values:
        put(one, name, value)


def set_slots(one: Any, state: tuple[dict[str, Any] | None, list[tuple[str, Any]] | None]) -> None:
    """The __dict__, if there is one, and the slots that are set."""
    attributes, slots = state
    put = object.__setattr__
    if attributes is not None:
        put(one, "__dict__", attributes)
    for name, value in slots or ():
        put(one, name, value)


# --- classes that rest on a built-in type --------------------------------------------------

_VALUES: dict[type, Any] = {
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
    complex: complex.__pos__,
    bytes: lambda one: bytes.__getitem__(one, slice(None)),
    tuple: lambda one: tuple.__add__((), one),
    frozenset: lambda one: frozenset().union(frozenset.__iter__(one)),
}


def _new_value(cls: type, solid: type, value: Any) -> Any:
    return solid.__new__(cls, value)


def _new_empty(cls: type, solid: Any) -> Any:
    return solid.__new__(cls)


def reduce_based(freezer: Freezer, one: Any, kind: Kind) -> Reduced:
    """An instance whose class rests on a built-in type other than `object`."""
    solid, cls = kind.solid, type(one)
    state = (attributes_of(one, kind) or None, slot_values(one, kind))
    value = _VALUES.get(solid)
    if value is not None:
        if any(state):
            freezer.later(set_slots, one, state)
        if kind.hashed == KNOWN or (kind.hashed and any(state)):
            return reduce_hashed(freezer, one, state[0], kind, _new_value, (cls, solid, value(one)))
        return (_new_value, (cls, solid, value(one)))
    take = _CONTENTS.get(solid)
    if take is None:
        return NotImplemented
    if kind.hashed == BY_CONTENTS:
        freezer.later(set_slots, one, state)
        return (_new_empty, (cls, solid), (solid, take(one), _for_hash(one, state[0], kind)), None, None, set_keyed)
    freezer.later(set_contents, one, (solid, take(one), *state))
    if kind.hashed:
        return reduce_hashed(freezer, one, state[0], kind, _new_empty, (cls, solid))
    return (_new_empty, (cls, solid))


_CONTENTS: dict[type, Any] = {
    dict: lambda one: dict(dict.items(one)),
    list: list.copy,
    set: lambda one: list(set.__iter__(one)),
    bytearray: lambda one: bytes(bytearray.copy(one)),
    property: lambda one: (one.fget, one.fset, one.fdel, one.__doc__),
    staticmethod: lambda one: (one.__func__,),
    classmethod: lambda one: (one.__func__,),
    collections.OrderedDict: lambda one: dict(collections.OrderedDict.items(one)),
    collections.defaultdict: lambda one: (one.default_factory, dict(dict.items(one))),
    collections.deque: lambda one: (
        vars(collections.deque)["maxlen"].__get__(one),
        list(collections.deque.__iter__(one)),
    ),
}


def set_contents(one: Any, state: tuple[Any, Any, dict[str, Any] | None, list[tuple[str, Any]] | None]) -> None:
    """Contents by the built-in type's own methods, then attributes and slots."""
    solid, contents, attributes, slots = state
    if solid is collections.defaultdict:
        collections.defaultdict.__init__(one, contents[0])
        dict.update(one, contents[1])
    elif solid is collections.deque:
        collections.deque.__init__(one, contents[1], contents[0])
    elif solid in (list, bytearray):
        solid.extend(one, contents)
    elif solid in (property, staticmethod, classmethod):
        with hooks.dead():  # not the class's own __init__; and not its __setattr__, which property's asks
            solid.__init__(one, *contents)
    elif solid is collections.OrderedDict:
        for key, value in contents.items():
            collections.OrderedDict.__setitem__(one, key, value)
    else:
        solid.update(one, contents)
    set_slots(one, (attributes, slots))


def set_keyed(one: Any, state: tuple[Any, Any, list[tuple[str, Any]]]) -> None:
    """The contents of a container that may be wanted as a key: its hash can rest on them."""
    set_contents(one, (state[0], state[1], None, None))
    set_early(one, state[2])


static.register((set_dict, set_early, set_slots, set_keyed, set_contents, _new_value, _new_empty))
