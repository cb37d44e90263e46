"""Functions by value: code by number, and what the function holds around it.

A guest's function is named by its unit and its index in it: every CPU compiles a unit to the
same code. A native function that no module holds (dataclasses and namedtuple make such)
carries its code itself. Globals are the dict of a module, which the snapshot's memo knows,
or of a shared unit, which goes by name.
"""

from __future__ import annotations

import marshal
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from kos.compiler import units
from kos.compiler.unit import META
from kos.runtime.freeze import reference, static
from kos.runtime.freeze.gens import find_globals, name_globals

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced

_codes: dict[tuple[str, int], CodeType] = {}


def code_ref(code: CodeType) -> tuple[str, int] | None:
    """(unit id, index) of a guest function's visible code object."""
    meta = code.co_consts[-1] if code.co_consts else None
    if type(meta) is tuple and len(meta) >= 3 and meta[0] == META:
        return meta[1], meta[2]
    return None


def reduce_function(freezer: Freezer, one: FunctionType) -> Reduced:
    """How to name or rebuild the function `one`."""
    code = one.__code__
    ref = code_ref(code)
    shared = reference.shared_name(one)
    if shared is not None:
        return (reference.find_shared, shared)
    if ref is None and reference.is_native(one):
        return NotImplemented
    namespace = name_globals(freezer, one.__globals__)
    extras: dict[str, Any] | None = None
    annotations, attributes = one.__annotations__, one.__dict__
    if one.__kwdefaults__:
        extras = {"__kwdefaults__": one.__kwdefaults__}
    if annotations:
        extras = {**(extras or {}), "__annotations__": annotations}
    if attributes:
        extras = {**(extras or {}), "__dict__": attributes}
    if params := getattr(one, "__type_params__", ()):
        extras = {**(extras or {}), "__type_params__": params}
    # wraps() gives one function another's name, text and module.
    for field, usual in (("__name__", code.co_name), ("__qualname__", code.co_qualname)):
        if getattr(one, field) != usual:
            extras = {**(extras or {}), field: getattr(one, field)}
    text = code.co_consts[0] if code.co_consts and isinstance(code.co_consts[0], str) else None
    if one.__doc__ != text:
        extras = {**(extras or {}), "__doc__": one.__doc__}
    args = (ref or marshal.dumps(code), namespace, one.__closure__, one.__defaults__, one.__module__)
    if extras is None:
        return (make_function, args)
    return (make_function, args, extras, None, None, set_extras)


def make_function(
    ref: tuple[str, int] | bytes,
    namespace: Any,
    closure: tuple[CellType, ...] | None,
    defaults: tuple[Any, ...] | None,
    module: str | None,
) -> FunctionType:
    """The function, but for the rarer fields."""
    namespace = find_globals(namespace)  # before the code: it loads a shared unit that this CPU does not have yet
    if type(ref) is tuple:
        code = _codes.get(ref)
        if code is None:
            code = _codes[ref] = units.info(*ref).stub
    else:
        code = marshal.loads(ref)  # type: ignore[arg-type]  # bytes, by the test above
    made = FunctionType(code, namespace, None, defaults, closure)
    if made.__module__ != module:
        made.__module__ = module  # type: ignore[assignment]  # None where the globals have no name
    return made


def set_extras(one: FunctionType, extras: dict[str, Any]) -> None:
    """Fields that most functions do not have or do not change."""
    for name, value in extras.items():
        setattr(one, name, value)


static.register((make_function, set_extras))
