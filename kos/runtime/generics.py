"""Type parameters and aliases of PEP 695: made by statements of Python 3.12, since no constructor makes a lazy one.

`def f[T: B]` gives a TypeVar that works out its bound when it is asked for it, and `type X = V` an alias that works
out its value. What they call is a `Lazy` of ours, which knows the guest's function, so that a snapshot can carry both.
"""

from __future__ import annotations

import functools
import gc
import typing
from types import CodeType, FunctionType
from typing import Any

_STARS = {"TypeVar": "", "TypeVarTuple": "*", "ParamSpec": "**"}
_HOW = {"bound": ": {}()", "constraints": ": (*{}(),)", "default": " = {}()"}


class Lazy:
    """A bound, constraints, a default or an alias's value: worked out by the guest's function when first called."""

    __slots__ = ("evaluate", "is_done", "role", "value")

    def __init__(self, role: str, evaluate: Any = None) -> None:
        self.role = role
        self.evaluate = evaluate
        self.value: Any = None
        self.is_done = False

    def __call__(self) -> Any:
        if not self.is_done:
            self.value = self.evaluate()
            self.is_done, self.evaluate = True, None
        return self.value


def type_param(kind: str, name: str, evaluators: dict[str, Any]) -> Any:
    """`$param`: a parameter of the kind; evaluators: role -> the guest's function that works it out."""
    return make_param(kind, name, [Lazy(role, evaluate) for role, evaluate in evaluators.items()])


def make_param(kind: str, name: str, lazies: list[Lazy]) -> Any:
    """A type parameter whose parts are worked out by what is given."""
    hidden = [_beside(name, lazy.role) for lazy in lazies]
    parts = "".join(_HOW[lazy.role].format(word) for lazy, word in zip(lazies, hidden, strict=True))
    text = f"def f[{_STARS[kind]}{name}{parts}](): pass\n return f.__type_params__[0]"
    return FunctionType(_compiled(tuple(hidden), text), {})(*lazies)


def type_alias(globals_: dict[str, Any], name: str, params: tuple[Any, ...], evaluate: Any) -> Any:
    """`$alias`: what a `type` statement binds."""
    return make_alias(globals_.get("__name__"), name, params, Lazy("value", evaluate))


def make_alias(module: Any, name: str, params: tuple[Any, ...], value: Lazy) -> Any:
    """An alias with these very type parameters, of that module."""
    hidden = _beside(name, "value")
    code = _compiled((hidden,), f"type {name} = {hidden}()\n return {name}")
    # Without type parameters of its own the statement loads the constant None for them.
    code = code.replace(co_consts=tuple(params if const is None else const for const in code.co_consts))
    return FunctionType(code, {"__name__": module})(value)


def _beside(name: str, word: str) -> str:
    """The word, or another one where the name is that."""
    return f"{word}_" if name == word else word


@functools.lru_cache(256)
def _compiled(params: tuple[str, ...], body: str) -> CodeType:
    """The code of a function with this body, in a file that tracebacks for guests do not show."""
    space: dict[str, Any] = {}
    exec(compile(f"def make({', '.join(params)}):\n {body}", "<kos generics>", "exec"), space)
    code: CodeType = space["make"].__code__
    return code


def lazies_of(one: Any) -> list[Lazy]:
    """What a type parameter or an alias was made with; empty for one that a constructor made."""
    found = []
    for held in gc.get_referents(one):
        if type(held) is FunctionType:
            found += [cell.cell_contents for cell in held.__closure__ or () if type(cell.cell_contents) is Lazy]
    return found


def generic(function: Any, params: tuple[Any, ...]) -> Any:
    """`$generic`: the function, told its type parameters."""
    function.__type_params__ = params
    return function


def generic_base(params: tuple[Any, ...]) -> Any:
    """`$generic_base`: the last base of a generic class."""
    unpacked = [typing.Unpack[one] if isinstance(one, typing.TypeVarTuple) else one for one in params]
    whole: Any = typing.Generic
    return whole[tuple(unpacked)]
