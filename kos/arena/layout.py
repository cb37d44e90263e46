"""@layout: a class of annotated integers becomes a ctypes structure laid over the arena.

    @layout(size=16)
    class Page(Struct):
        refcount: u32   #: references; 0 = free

mypy sees plain ints; at run time the fields are real C fields at offsets that ctypes derives, and a
declared size that is not the real one is refused at import. The fields are set by a decorator and not by
`__init_subclass__`, because ctypes wants `_fields_` before the class is first used and sees annotations
only when the class body is complete.
"""

from __future__ import annotations

import ctypes
import inspect
import typing
from collections.abc import Callable
from typing import Annotated, TypeVar

u8 = Annotated[int, ctypes.c_uint8]
u16 = Annotated[int, ctypes.c_uint16]
u32 = Annotated[int, ctypes.c_uint32]
u64 = Annotated[int, ctypes.c_uint64]
i32 = Annotated[int, ctypes.c_int32]
i64 = Annotated[int, ctypes.c_int64]
Chars = bytes  #: annotate as Annotated[Chars, ctypes.c_char * n]: bytes up to the first NUL


class Struct(ctypes.Structure):
    """Base of every layout. index: slot number in its table (0 where it stands alone).

    words: the structure as a row of words, in tables that say so: for arrays, whose items cost three times as much
    through a field, and for paths that are counted in ns.
    """

    index: int
    words: memoryview

    def clear(self) -> None:
        """Fill with zeros."""
        ctypes.memset(ctypes.addressof(self), 0, ctypes.sizeof(self))


T = TypeVar("T", bound=Struct)


def layout(size: int) -> Callable[[type[T]], type[T]]:
    """Class decorator: lay the annotated fields out as C would; `size` in bytes is checked."""

    def decorate(cls: type[T]) -> type[T]:
        hints = typing.get_type_hints(cls, include_extras=True)
        own = [n for n in inspect.get_annotations(cls) if n != "index"]
        fields = []
        for name in own:
            meta = getattr(hints[name], "__metadata__", None)
            if not meta:
                raise TypeError(f"{cls.__name__}.{name}: annotate with u8..u64, i32, i64 or Annotated[..., ctype]")
            fields.append((name, meta[0]))
        cls._fields_ = fields
        real = ctypes.sizeof(cls)
        if real != size:
            raise TypeError(f"{cls.__name__}: declared size={size}, the fields take {real} bytes")
        return cls

    return decorate


def word_index(cls: type[Struct], field: str, size: int = 8) -> int:
    """Index of a field in a row of words of `size` bytes (Struct.words); of an array or a structure: of its first."""
    descriptor = getattr(cls, field)
    offset: int = descriptor.offset
    if offset % size or descriptor.size % size:
        raise TypeError(f"{cls.__name__}.{field} is not an aligned word of {size} bytes")
    return offset // size
