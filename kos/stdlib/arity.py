"""How many arguments a method that C defines takes, and how CPython refuses others (Objects/methodobject.c, getargs.c).

A Python function that stands for a C method would refuse in the interpreter's words for Python functions, which name
parameters that the method does not have. Costs 60 ns a call: not for what runs in loops of a guest's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def none(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """A method without arguments (METH_NOARGS)."""

    @functools.wraps(function)
    def method(self: Any, *given: Any, **named: Any) -> Any:
        if given or named:
            what = "no keyword arguments" if named else f"no arguments ({len(given)} given)"
            raise TypeError(f"{type(self).__name__}.{function.__name__}() takes {what}")
        return function(self)

    return method


def between(least: int, most: int, before: Callable[[Any], None]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A method that parses its positional arguments (METH_VARARGS); before(self) is called first."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def method(self: Any, *given: Any, **named: Any) -> Any:
            if named:
                raise TypeError(f"{function.__name__}() takes no keyword arguments")
            before(self)
            if not least <= len(given) <= most:
                raise refusal(function.__name__ + "()", least, most, len(given))
            return function(self, *given)

        return method

    return decorate


def refusal(function: str, least: int, most: int, given: int) -> TypeError:
    """The refusal of so many arguments, as PyArg_ParseTuple words it. function: "f()", or "function"."""
    wanted = least if given < least else most
    how = "exactly" if least == most else "at least" if given < least else "at most"
    return TypeError(f"{function} takes {how} {wanted} argument{'' if wanted == 1 else 's'} ({given} given)")
