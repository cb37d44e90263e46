"""Type variables and aliases, which are C code from Python 3.12 on; before, they are instances like any other."""

from __future__ import annotations

import sys
import typing
from typing import TYPE_CHECKING, Any

from kos.runtime.freeze import static
from kos.runtime.generics import Lazy, lazies_of, make_alias, make_param

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced

_FLAGS = ("covariant", "contravariant", "infer_variance")
_TYPING: Any = typing


def reduce_variable(freezer: Freezer, one: Any) -> Reduced:
    """A TypeVar, ParamSpec or TypeVarTuple: by what its constructor takes, or by what works that out."""
    lazies = lazies_of(one)
    if lazies:
        return (make_param, (type(one).__name__, one.__name__, lazies))
    options = {flag: True for flag in _FLAGS if getattr(one, f"__{flag}__", False)}
    for name in ("bound", "default"):
        value = getattr(one, f"__{name}__", None)
        if value is not None and value is not getattr(typing, "NoDefault", None):
            options[name] = value
    return (make_variable, (type(one), one.__name__, getattr(one, "__constraints__", ()), options, one.__module__))


def make_variable(kind: Any, name: str, constraints: tuple[Any, ...], options: dict[str, Any], module: Any) -> Any:
    made = kind(name, *constraints, **options)
    made.__module__ = module
    return made


def reduce_part(freezer: Freezer, one: Any) -> Reduced:
    """P.args and P.kwargs."""
    return (type(one), (one.__origin__,))


def reduce_alias(freezer: Freezer, one: Any) -> Reduced:
    """A `type` statement's object, or what the constructor has made, which knows its value."""
    lazies = lazies_of(one)
    if not lazies:
        lazies = [Lazy("value", lambda: one.__value__)]
        lazies[0]()
    return (make_alias, (one.__module__, one.__name__, one.__type_params__, lazies[0]))


def reduce_lazy(freezer: Freezer, one: Lazy) -> Reduced:
    """Empty at first: what works out the value of a recursive alias holds the alias."""
    freezer.later(fill_lazy, one, (one.evaluate, one.value, one.is_done))
    return (Lazy, (one.role,))


def fill_lazy(one: Lazy, state: tuple[Any, Any, bool]) -> None:
    one.evaluate, one.value, one.is_done = state


TABLE: dict[type, Any] = {Lazy: reduce_lazy}
if sys.version_info >= (3, 12):
    TABLE |= dict.fromkeys((typing.TypeVar, typing.ParamSpec, typing.TypeVarTuple), reduce_variable)
    TABLE |= dict.fromkeys((typing.ParamSpecArgs, typing.ParamSpecKwargs), reduce_part)
    TABLE[_TYPING.TypeAliasType] = reduce_alias
#: Those of the module itself are the same in every process: AnyStr, and what its own classes are generic in.
_OWN = [value for value in vars(typing).values() if type(value) in (typing.TypeVar, typing.ParamSpec)]
static.register((make_variable, make_param, make_alias, Lazy, fill_lazy, *_OWN))
