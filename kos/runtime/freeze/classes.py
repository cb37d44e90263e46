"""Guest classes by value: an empty class first, then its methods, then the rest.

The class is made by `type.__new__` with the names of its attributes and no values, so
nothing of what runs when a class statement is executed runs again: no metaclass, no
`__set_name__`, no decorator; where a metaclass has an `mro()` of its own, the order that it
gave is kept. What making a subclass or registering one would call, a class gets only when
everything is loaded. Methods come before any other attribute: an attribute may be a dict
whose keys are hashed by them.
"""

from __future__ import annotations

import abc
import contextlib
import graphlib
from collections.abc import Iterable, Iterator
from types import (
    ClassMethodDescriptorType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

from kos.runtime.freeze import atend, hashes, reference, static
from kos.runtime.functions import code_ref

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced

_abc: Any = __import__("_abc")

#: What type.__new__ makes by itself or understands specially: not given as placeholders.
_SPECIAL = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__slots__",
        "__module__",
        "__qualname__",
        "__init_subclass__",
        "__classcell__",
        "__abstractmethods__",
        "_abc_impl",
    }
)
_EARLY = (FunctionType, staticmethod, classmethod, property)

#: What is called of a class while others are made and registered, and of its instances while dicts are filled.
#: A guest's is given at the end of a load; until then stands here what asks no guest.
_AT_THE_END: dict[str, Any] = {
    "__init_subclass__": None,
    "__subclasshook__": classmethod(lambda cls, other: NotImplemented),
    "__subclasscheck__": type.__subclasscheck__,
    "__hash__": hashes.known,
    "__eq__": object.__eq__,
}


def _waits(name: str, value: object) -> bool:
    if name not in _AT_THE_END:
        return False
    if name == "__hash__":
        return hashes.is_known(value)
    return name != "__eq__" or code_ref(value) is not None


#: Native abstract classes that some guest's class was registered with on this CPU: they know it, it does not know them.
_joined: set[Any] = set()


def _register(cls: Any, subclass: Any) -> Any:
    """Register a virtual subclass of an ABC."""
    result = _abc._abc_register(cls, subclass)
    if reference.is_native(cls) and not reference.is_native(subclass):
        _joined.add(cls)
    return result


_first_register = abc.ABCMeta.register  # kept: who knows it by its id must not meet another under that
_register.__name__, _register.__qualname__ = "register", "ABCMeta.register"
abc.ABCMeta.register = _register  # type: ignore[method-assign]  # for the guests' sake


def reduce_class(freezer: Freezer, cls: Any) -> Reduced:
    """How to name or rebuild the class `cls`."""
    shared = reference.shared_name(cls)
    if shared is not None:
        return (reference.find_shared, shared)
    if reference.is_native(cls):
        return NotImplemented
    names = vars(cls)
    meta = type(cls)
    slots: tuple[str, ...] | None = None
    early: dict[str, Any] = {}
    late: dict[str, Any] = {}
    order: list[str] = []
    added: list[str] = []  # after the class was made, which has put __dict__, __weakref__ and a __doc__ of None last
    listed = order
    if "__slots__" in names:
        slots = tuple(
            name
            for name, value in names.items()
            if (issubclass(type(value), MemberDescriptorType) and value.__objclass__ is cls)
            or (name in ("__dict__", "__weakref__") and issubclass(type(value), GetSetDescriptorType))
        )
    for name, value in names.items():
        if issubclass(type(value), (MemberDescriptorType, GetSetDescriptorType)) and value.__objclass__ is cls:
            if name in ("__dict__", "__weakref__"):
                listed = added
            continue
        if name == "_abc_impl" or (name == "__doc__" and value is None):
            continue
        if name not in _SPECIAL:
            listed.append(name)
        if (issubclass(type(value), _EARLY) or name in _AT_THE_END) and not _waits(name, value):
            early[name] = value
        elif name not in ("__module__", "__orig_bases__"):
            late[name] = value
    if "__orig_bases__" in names:
        early["__orig_bases__"] = names["__orig_bases__"]
    if isinstance(cls, abc.ABCMeta):
        registered = [ref() for ref in _abc._get_dump(cls)[0]]
        if registered:
            late[""] = [other for other in registered if other is not None]
    joined = [one for one in _joined if any(ref() is cls for ref in _abc._get_dump(one)[0])]
    if joined:
        late["+"] = joined
    freezer.later(fill_class_late, cls, late)
    number = None if meta is type else hashes.number_of(freezer.world, cls)
    return (
        make_class,
        (
            meta,
            cls.__name__,
            cls.__qualname__,
            cls.__bases__,
            cls.__module__,
            slots,
            tuple(order),
            tuple(added),
            _own_mro(cls),
            _loud_base(cls),
            number,
        ),
        early,
        None,
        None,
        fill_class,
    )


def in_order(named: Iterable[type]) -> list[type]:
    """Guests' classes that have subclasses, and those, so that made in this order `__subclasses__()` says the same.

    named: classes that the guest's modules name. A class that only its base knows, too, is there until it is collected.
    """
    found = {id(cls): cls for cls in named}
    after: dict[int, list[int]] = {}
    for cls in (queue := [*found.values()]):
        if reference.shared_name(cls) is not None or reference.is_native(cls):
            continue
        elder = id(cls)
        subs: list[type] = type.__subclasses__(cls)
        for sub in subs:
            after.setdefault(id(sub), []).append(elder)
            elder = id(sub)
            if elder not in found:
                found[elder] = sub
                queue.append(sub)
    try:
        return [found[one] for one in graphlib.TopologicalSorter(after).static_order()]
    except graphlib.CycleError:  # bases were changed since
        return []


def _own_mro(cls: type) -> tuple[type | None, ...] | None:
    """The order that the metaclass's own mro() gave `cls`, who is None in it; None where type's made it."""
    return tuple([None if one is cls else one for one in cls.__mro__]) if _giver(type(cls)) else None


def _giver(meta: Any) -> Any:
    """The guest's metaclass whose mro() orders the bases of `meta`'s classes, if one does."""
    found = next(one for one in meta.__mro__ if "mro" in vars(one))
    return None if found is type else found


def _loud_base(cls: type) -> type | None:
    """The class of the library whose __init_subclass__ a new class with these bases meets: guests' wait for the end."""
    for base in cls.__mro__[1:-1]:
        if "__init_subclass__" in vars(base) and reference.is_native(base):
            return base
    return None


@contextlib.contextmanager
def _instead(owner: type, name: str, value: object) -> Iterator[None]:
    """Nothing else runs on this CPU while a class is made."""
    own = vars(owner)[name]
    type.__setattr__(owner, name, value)
    try:
        yield
    finally:
        type.__setattr__(owner, name, own)


def make_class(
    meta: Any,
    name: str,
    qualname: str,
    bases: tuple[type, ...],
    module: str,
    slots: tuple[str, ...] | None,
    order: tuple[str, ...],
    added: tuple[str, ...],
    own_mro: tuple[type | None, ...] | None,
    loud: type | None,
    number: int | None,
) -> type:
    """The class with the names of its attributes in their order, and no values."""
    names: dict[str, Any] = {"__module__": module, "__qualname__": qualname}
    names.update((key, _AT_THE_END.get(key)) for key in order)
    if "__class__" in names:
        names["__class__"] = property()  # as an attribute of the class it is the metaclass: it cannot be set later
    if slots is not None:
        names["__slots__"] = slots
    if own_mro is None and loud is None:
        made: type = type.__new__(meta, name, bases, names)
    else:
        with contextlib.ExitStack() as changed:
            if own_mro is not None:
                mro = own_mro
                changed.enter_context(_instead(_giver(meta), "mro", lambda cls: [one or cls for one in mro]))
            if loud is not None:
                changed.enter_context(_instead(loud, "__init_subclass__", classmethod(lambda cls: None)))
            made = type.__new__(meta, name, bases, names)
    if issubclass(meta, abc.ABCMeta):
        _abc._abc_init(made)
    for name in added:
        if name != "__class__":
            type.__setattr__(made, name, _AT_THE_END.get(name))
    if number is not None:
        hashes.set_number(made, number)
    return made


def fill_class(cls: type, values: dict[str, Any]) -> None:
    """Set attributes as they are, past the metaclass's own __setattr__."""
    put = type.__setattr__
    for name, value in values.items():
        if name != "__class__":
            put(cls, name, value)
            if isinstance(value, property):
                property.__set_name__(value, cls, name)  # type: ignore[attr-defined]  # which its errors tell
        elif isinstance(value, property):
            own: Any = vars(cls)[name]
            own.__init__(value.fget, value.fset, value.fdel, value.__doc__)


def fill_class_late(cls: type, values: dict[str, Any]) -> None:
    """The attributes that are not methods; those that others' making calls wait for the end."""
    for other in values.pop("", ()):
        abc.ABCMeta.register(cls, other)  # type: ignore[arg-type]  # cls is an ABCMeta here
    for base in values.pop("+", ()):
        base.register(cls)
    for name in [name for name, value in values.items() if _waits(name, value)]:
        atend.call(type.__setattr__, cls, name, values.pop(name))
    fill_class(cls, values)


def get_from_class(cls: type, name: str) -> Any:
    """What the class itself holds under `name`, not bound."""
    return vars(cls)[name]


def reduce_descriptor(freezer: Freezer, one: Any) -> Reduced:
    """Slots' and built-in types' descriptors, found through their class."""
    return (get_from_class, (one.__objclass__, one.__name__))


DESCRIPTORS = (MemberDescriptorType, GetSetDescriptorType, WrapperDescriptorType, ClassMethodDescriptorType)
static.register(
    (
        reference.find_shared,
        reference.native_dict,
        reference.shared_dict,
        make_class,
        fill_class,
        fill_class_late,
        get_from_class,
    )
)
