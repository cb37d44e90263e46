"""Type variables and aliases, which are C code from Python 3.12 on; before, they are instances like any other."""

from __future__ import annotations

import sys
import typing
from typing import TYPE_CHECKING, Any

from kos.runtime.freeze import static

if TYPE_CHECKING:
    from kos.runtime.freeze.pickler import Freezer, Reduced

_FLAGS = ("covariant", "contravariant", "infer_variance")
_TYPING: Any = typing


def reduce_variable(freezer: Freezer, one: Any) -> Reduced:
    """A TypeVar, ParamSpec or TypeVarTuple: by what its constructor takes."""
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
    """A `type` statement's object, whose value is worked out now."""
    return (make_alias, (one.__name__, one.__value__, one.__type_params__))


def make_alias(name: str, value: Any, params: tuple[Any, ...]) -> Any:
    return _TYPING.TypeAliasType(name, value, type_params=params)


TABLE: dict[type, Any] = {}
if sys.version_info >= (3, 12):
    TABLE |= dict.fromkeys((typing.TypeVar, typing.ParamSpec, typing.TypeVarTuple), reduce_variable)
    TABLE |= dict.fromkeys((typing.ParamSpecArgs, typing.ParamSpecKwargs), reduce_part)
    TABLE[_TYPING.TypeAliasType] = reduce_alias
#: Those of the module itself are the same in every process: AnyStr, and what its own classes are generic in.
_OWN = [value for value in vars(typing).values() if type(value) in (typing.TypeVar, typing.ParamSpec)]
static.register((make_variable, make_alias, *_OWN))
