"""How much a method of a file is asked for, taken and refused as C does it: Modules/_io, by the argument clinic."""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import index
from typing import Any

from kos.runtime.typename import type_name

_MAX = (1 << 63) - 1


def optional(size: Any) -> Any:
    """None or a size: _Py_convert_optional_to_ssize_t()."""
    if size is None:
        return None
    if not hasattr(type(size), "__index__"):
        raise TypeError(f"argument should be integer or None, not '{type_name(size)}'")
    number = index(size)
    if not -_MAX <= number <= _MAX:
        raise OverflowError(f"cannot fit '{type_name(size)}' into an index-sized integer")
    return number


def required(size: Any) -> int:
    """A size."""
    number = index(size)
    if not -_MAX <= number <= _MAX:
        raise OverflowError("Python int too large to convert to C ssize_t")
    return number


def take(cls: Any, name: str, convert: Callable[[Any], Any], default: int = -1) -> None:
    """Let the method's one argument be converted before anything else is looked at."""
    inner = getattr(cls, name)

    @functools.wraps(inner)
    def sized(self: Any, size: Any = default, /) -> Any:
        return inner(self, size if type(size) is int and -_MAX <= size <= _MAX else convert(size))

    setattr(cls, name, sized)
