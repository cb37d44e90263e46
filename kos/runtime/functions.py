"""Function objects: made from a unit's code, and traced back to it."""

from __future__ import annotations

from types import CellType, FunctionType
from typing import Any

from kos.compiler.unit import META, CodeInfo
from kos.compiler.units import by_stub
from kos.compiler.units import info as code_info


def make_function(
    unit_id: str,
    index: int,
    globals_: dict[str, Any],
    defaults: tuple[Any, ...] | None = None,
    kwdefaults: dict[str, Any] | None = None,
    closure: tuple[CellType, ...] | None = None,
    annotations: dict[str, Any] | None = None,
) -> FunctionType:
    """The visible function over a unit's code, as `def` makes it.

    closure: one cell for each of `code_info(unit_id, index).freevars`, in that order.
    __name__, __qualname__, __doc__ and __module__ come from the code and the globals; set what differs afterwards.
    """
    info = code_info(unit_id, index)
    f = FunctionType(info.stub, globals_, info.name, defaults, closure)
    if kwdefaults:
        f.__kwdefaults__ = kwdefaults
    if annotations:
        f.__annotations__ = annotations
    return f


def code_ref(f: object) -> tuple[str, int] | None:
    """(unit_id, index) of a guest's function; None for a native one, and for what is no function."""
    if type(f) is not FunctionType:
        return None
    consts = f.__code__.co_consts
    last = consts[-1] if consts else None
    if type(last) is tuple and len(last) == 3 and last[0] == META:
        return last[1], last[2]
    return None


def is_suspendable(f: object) -> bool:
    """Whether calls of it are bodies (or make generators): a guest function that is not plain."""
    if type(f) is not FunctionType:
        return False
    info = by_stub.get(id(f.__code__))
    return info is not None and info.fast is not None


def make_body_function(
    info: CodeInfo,
    globals_: dict[str, Any],
    defaults: tuple[Any, ...] | None,
    kwdefaults: dict[str, Any] | None,
    closure: tuple[CellType, ...] | None,
) -> FunctionType:
    """The function that makes bodies: called with a call's arguments it returns the generator that runs it."""
    assert info.fast is not None
    f = FunctionType(info.fast, globals_, info.name, defaults, closure)
    if kwdefaults:
        f.__kwdefaults__ = kwdefaults
    return f


def module_body(unit_id: str, globals_: dict[str, Any]) -> Any:
    """The generator that executes a module's body over `globals_`, to be driven or delegated to.

    `globals_["__builtins__"]` must be the guest's builtins dict, with the helpers installed in it.
    """
    info = code_info(unit_id, 0)
    return make_body_function(info, globals_, None, None, None)()
