"""Native objects that pickle refuses or would get wrong: views, weak references, methods, modules."""

from __future__ import annotations

import collections
import gc
import marshal
import operator
import os
import re
import sys
import types
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import numpy

from kos.compiler import units
from kos.runtime import hooks
from kos.runtime.freeze import reference, static

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced


# --- cells, methods, descriptors -----------------------------------------------------------


def new_cell() -> types.CellType:
    """An empty cell; set_cell fills it where the saved one was not empty."""
    return types.CellType()


def set_cell(cell: types.CellType, content: tuple[Any]) -> None:
    (cell.cell_contents,) = content


def reduce_cell(freezer: Freezer, cell: types.CellType) -> Reduced:
    try:
        content = cell.cell_contents
    except ValueError:
        return (new_cell, ())
    # In a tuple: pickle takes a state of None for no state at all.
    return (new_cell, (), (content,), None, None, set_cell)


def reduce_method(freezer: Freezer, one: types.MethodType) -> Reduced:
    return (types.MethodType, (one.__func__, one.__self__))


def reduce_builtin(freezer: Freezer, one: Any) -> Reduced:
    """A built-in method with what it is bound to; a module's function by its name."""
    owner = one.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        return NotImplemented
    if isinstance(owner, type):
        return (getattr, (owner, one.__name__))
    found = getattr(type(owner), one.__name__, None)
    if found is not None and hasattr(found, "__objclass__"):
        # Not getattr(owner, name): a guest's subclass may have put its own method there.
        return (bind, (found, owner))
    return (getattr, (owner, one.__name__))


def bind(descriptor: Any, owner: Any) -> Any:
    """The method of a built-in type bound to an object."""
    return descriptor.__get__(owner)


def reduce_wrapped(freezer: Freezer, one: Any) -> Reduced:
    if type(one.__func__) is types.FunctionType:
        return (type(one), (one.__func__,))
    return (make_wrapped, (type(one), one.__func__), dict(vars(one)), None, None, set_wrapped)


def make_wrapped(kind: Any, function: Any) -> Any:
    """A staticmethod or classmethod of an object: it asks it for its name, by guest code that cannot run here."""
    with hooks.dead():
        return kind(function)


def set_wrapped(one: Any, attributes: dict[str, Any]) -> None:
    vars(one).clear()
    vars(one).update(attributes)


def reduce_property(freezer: Freezer, one: property) -> Reduced:
    return (property, (one.fget, one.fset, one.fdel, one.__doc__))


def reduce_super(freezer: Freezer, one: Any) -> Reduced:
    return (super, (one.__thisclass__, one.__self__) if one.__self__ is not None else (one.__thisclass__,))


def reduce_code(freezer: Freezer, one: types.CodeType) -> Reduced:
    info = units.by_stub.get(id(one))
    if info is not None:
        return (stub_of, (info.unit_id, info.index))
    return (marshal.loads, (marshal.dumps(one),))


def stub_of(unit_id: str, index: int) -> types.CodeType:
    """The code that the guest function of that number carries: there is one of it on each CPU."""
    return units.info(unit_id, index).stub


def reduce_proxy(freezer: Freezer, one: types.MappingProxyType[Any, Any]) -> Reduced:
    (inner,) = gc.get_referents(one)
    for value in inner.values() if type(inner) is dict else ():
        if isinstance(value, types.GetSetDescriptorType) and value.__objclass__.__dict__ == one:
            return (vars, (value.__objclass__,))
    return (types.MappingProxyType, (inner,))


# --- views of dicts and of memory ----------------------------------------------------------


def reduce_view(freezer: Freezer, one: Any) -> Reduced:
    (inner,) = gc.get_referents(one)
    name = type(one).__name__.removeprefix("dict_").removeprefix("odict_")
    return (dict_view, (inner, name))


def dict_view(inner: Any, name: str) -> Any:
    # Not type(inner): a guest's subclass may have a method of that name.
    base = collections.OrderedDict if isinstance(inner, collections.OrderedDict) else dict
    return getattr(base, name)(inner)


def _address(view: Any) -> int:
    return int(numpy.frombuffer(view, numpy.uint8).__array_interface__["data"][0])


def reduce_memoryview(freezer: Freezer, one: memoryview) -> Reduced:
    try:
        under = one.obj
    except ValueError:
        return (released_view, ())
    if one.ndim == 1 and one.itemsize == 1 and len(one) and isinstance(under, (bytes, bytearray)):
        if not one.contiguous and one.strides is not None:
            first = int(numpy.asarray(one).__array_interface__["data"][0]) - _address(under)
            return (make_stepped_view, (under, first, one.strides[0], len(one), one.readonly))
    if not one.contiguous or one.ndim != 1 or not isinstance(under, (bytes, bytearray)):
        raise freezer.refuse(one, "cannot copy a memoryview that is not over plain bytes at fork")
    start = _address(one.cast("B")) - _address(under) if one.nbytes else 0
    return (make_view, (under, start, one.nbytes, one.format, one.readonly))


def make_view(under: Any, start: int, length: int, code: str, readonly: bool) -> memoryview:
    view = memoryview(under)[start : start + length]
    if code != "B":
        view = view.cast(cast(Any, code))
    return view.toreadonly() if readonly and not view.readonly else view


def make_stepped_view(under: Any, first: int, step: int, length: int, readonly: bool) -> memoryview:
    end = first + step * length
    view = memoryview(under)[first : None if end < 0 else end : step]
    return view.toreadonly() if readonly and not view.readonly else view


def released_view() -> memoryview:
    view = memoryview(b"")
    view.release()
    return view


# --- weak references -----------------------------------------------------------------------


class _Gone:
    pass


def dead_reference() -> weakref.ref[Any]:
    return weakref.ref(_Gone())


def reduce_ref(freezer: Freezer, one: weakref.ref[Any]) -> Reduced:
    target = one()
    if target is None:
        return (dead_reference, ())
    callback = one.__callback__
    return (weakref.ref, (target,) if callback is None else (target, callback))


def reduce_weak_method(freezer: Freezer, one: Any) -> Reduced:
    method = one()
    return (dead_reference, ()) if method is None else (weakref.WeakMethod, (method,))


def reduce_weak_proxy(freezer: Freezer, one: Any) -> Reduced:
    # A proxy hands every attribute on, so a bound method is bound to what stands behind it.
    try:
        return (weakref.proxy, (one.__init__.__self__,))
    except ReferenceError:
        return (dead_proxy, ())


def dead_proxy() -> Any:
    return weakref.proxy(_Gone())


def reduce_weak_dict(freezer: Freezer, one: Any) -> Reduced:
    return (type(one), (), list(one.items()), None, None, fill_weak_dict)


def fill_weak_dict(one: Any, items: list[tuple[Any, Any]]) -> None:
    for key, value in items:
        one[key] = value


def reduce_weak_set(freezer: Freezer, one: weakref.WeakSet[Any]) -> Reduced:
    return (weakref.WeakSet, (), list(one), None, None, fill_weak_set)


def fill_weak_set(one: weakref.WeakSet[Any], members: list[Any]) -> None:
    for member in members:
        one.add(member)


#: As the module has it: a restored finalizer is noted already.
init_finalize: Any = weakref.finalize.__init__


def reduce_finalize(freezer: Freezer, one: Any) -> Reduced:
    """weakref.finalize keeps what it knows in a table of the module, which is every task's."""
    known = one.peek()
    if known is None:
        return (new_finalize, (type(one),))
    return (new_finalize, (type(one),), (*known, one.atexit), None, None, set_finalize)


def new_finalize(cls: type) -> Any:
    """A dead finalizer: one that the table does not have."""
    return object.__new__(cls)


def set_finalize(one: Any, state: tuple[Any, ...]) -> None:
    target, function, args, kwargs, atexit = state
    init_finalize(one, target, function, *args, **kwargs)
    one.atexit = atexit


# --- matches -------------------------------------------------------------------------------


def reduce_sched_param(freezer: Freezer, one: os.sched_param) -> Reduced:
    """The one structure of its kind that is not made of a sequence."""
    return (os.sched_param, (one.sched_priority,))


def reduce_match(freezer: Freezer, one: re.Match[Any]) -> Reduced:
    for how in ("search", "match", "fullmatch"):
        again = getattr(one.re, how)(one.string, one.pos, one.endpos)
        if again is not None and again.regs == one.regs:
            return (match_again, (one.re, how, one.string, one.pos, one.endpos))
    return (match_again, (one.re, "match", one.string, one.start(), one.endpos))


def match_again(pattern: re.Pattern[Any], how: str, string: Any, pos: int, endpos: int) -> Any:
    return getattr(pattern, how)(string, pos, endpos)


# --- modules that are no longer in sys.modules ----------------------------------------------


def reduce_module(freezer: Freezer, one: types.ModuleType) -> Reduced:
    """A module; its class may be a guest's, over that of modules."""
    name = reference.native_dict_name(vars(one))
    if name is not None:
        return (native_module, (name,))
    return (types.ModuleType, ("",), (vars(one), type(one)), None, None, fill_module)


def native_module(name: str) -> types.ModuleType:
    reference.native_dict(name)
    return sys.modules[name]


def fill_module(one: types.ModuleType, state: tuple[dict[str, Any], type[types.ModuleType]]) -> None:
    values, cls = state
    vars(one).clear()
    vars(one).update(values)
    set_module_class(one, cls)


def set_module_class(one: types.ModuleType, cls: type[types.ModuleType]) -> None:
    """A module is made as any other, whatever it became in the guest's hands."""
    if cls is not types.ModuleType:
        object.__setattr__(one, "__class__", cls)


TABLE: dict[type, Any] = {
    types.CellType: reduce_cell,
    types.MethodType: reduce_method,
    types.BuiltinFunctionType: reduce_builtin,
    staticmethod: reduce_wrapped,
    classmethod: reduce_wrapped,
    property: reduce_property,
    super: reduce_super,
    types.CodeType: reduce_code,
    types.MappingProxyType: reduce_proxy,
    types.ModuleType: reduce_module,
    memoryview: reduce_memoryview,
    weakref.ref: reduce_ref,
    weakref.WeakMethod: reduce_weak_method,
    weakref.finalize: reduce_finalize,
    weakref.ProxyType: reduce_weak_proxy,
    weakref.CallableProxyType: reduce_weak_proxy,
    weakref.WeakValueDictionary: reduce_weak_dict,
    weakref.WeakKeyDictionary: reduce_weak_dict,
    weakref.WeakSet: reduce_weak_set,
    re.Match: reduce_match,
    os.sched_param: reduce_sched_param,
    type({}.keys()): reduce_view,
    type({}.values()): reduce_view,
    type({}.items()): reduce_view,
    type(collections.OrderedDict().keys()): reduce_view,
    type(collections.OrderedDict().values()): reduce_view,
    type(collections.OrderedDict().items()): reduce_view,
}

#: Native types whose own __reduce__ is right: pickle's C code does all of it.
PLAIN = frozenset(
    [
        slice,
        range,
        complex,
        deque,
        re.Pattern,
        types.GenericAlias,
        types.UnionType,
        type(operator.itemgetter(0)),
        operator.attrgetter,
        operator.methodcaller,
    ]
)

static.register(
    (
        new_cell,
        set_cell,
        stub_of,
        bind,
        dict_view,
        make_view,
        dead_reference,
        fill_weak_dict,
        fill_weak_set,
        make_wrapped,
        set_wrapped,
        new_finalize,
        set_finalize,
        set_module_class,
        match_again,
        marshal.loads,
        weakref.ref,
        vars(re)["_compile"],
    )
)
