"""The name that messages of C code give a type: `collections.deque` for one of C's own, `Own` for a guest's class."""

from __future__ import annotations

import ctypes

TP_NAME = 24  #: offset of tp_name in PyTypeObject on 64-bit CPython; cpython/object.h, 3.8 to 3.13


def type_name(value: object) -> str:
    """Py_TYPE(value)->tp_name."""
    name = ctypes.c_char_p.from_address(id(type(value)) + TP_NAME).value or b""
    return name.decode("utf-8", "replace")


def argument_name(value: object) -> str:
    """The same, with None by its own name: _PyArg_BadArgument()."""
    return "None" if value is None else type_name(value)
