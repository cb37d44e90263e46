"""A memoryview of simulated memory that has been cast to a shape: of several dimensions, or of none.

The items lie as C has them, and slices go along the first dimension: so it is a one-dimensional view of rows, and what
differs is how items are found. What is refused, and what is asked of the whole, is left to the host's memoryview.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

from kos.stdlib import buffers_
from kos.stdlib.buffers_ import MappedView, _Attribute, host_memoryview


def shaped(view: MappedView, format: str, shape: Sequence[int], nbytes: int) -> MappedView:
    """The contiguous view's bytes as items in this shape; refused in CPython's words."""
    one = host_memoryview(bytes(struct.calcsize(format)))
    if not isinstance(shape, list | tuple):
        one.cast(format, shape)  # type: ignore[call-overload]  # refuses it
    if view.ndim != 1 and len(shape) != 1:
        raise TypeError("memoryview: cast must be 1D -> ND or ND -> 1D")
    for length in shape:
        if not isinstance(length, int) or length <= 0:
            one.cast(format, [length])  # type: ignore[call-overload]  # refuses it
    size = struct.calcsize(format)
    if math.prod(shape) * size != nbytes:
        raise TypeError("memoryview: product(shape) * itemsize != buffer size")
    if len(shape) == 1:
        return MappedView(view._owner, view._addr, shape[0], view._readonly, format)
    return ShapedView(view._owner, view._addr, tuple(shape), view._readonly, format)


class ShapedView(MappedView):
    """shape: of all dimensions; () = one item without any. step: bytes from row to row of the first."""

    __slots__ = ("_shape",)

    def __init__(self, owner: Any, addr: int, shape: tuple[int, ...], readonly: bool, fmt: str, step: int = 0) -> None:
        super().__init__(owner, addr, shape[0] if shape else 1, readonly, fmt)
        self._shape = shape
        self._size *= math.prod(shape[1:])  # a row, to what moves bytes
        self._step = step or self._size

    @_Attribute
    def itemsize(self) -> int:
        self._check()
        return struct.calcsize(self._fmt)

    @_Attribute
    def ndim(self) -> int:
        self._check()
        return len(self._shape)

    @_Attribute
    def shape(self) -> tuple[int, ...]:
        self._check()
        return self._shape

    @_Attribute
    def strides(self) -> tuple[int, ...]:
        self._check()
        inner = [struct.calcsize(self._fmt) * math.prod(self._shape[k + 1 :]) for k in range(1, len(self._shape))]
        return (self._step, *inner) if self._shape else ()

    @_Attribute
    def contiguous(self) -> bool:
        self._check()
        return self._step == self._size or self._count < 2

    @_Attribute
    def f_contiguous(self) -> bool:
        self._check()
        return self._native().f_contiguous

    def _native(self) -> host_memoryview:
        rows = self.tobytes() or bytes(self._size)
        shape = [len(rows) // self._size, *self._shape[1:]] if self._shape else []
        view = host_memoryview(bytearray(rows)).cast("B").cast(self._fmt, shape)  # type: ignore[call-overload]  # a variable
        return view if self._count else view[:0]

    def tobytes(self, order: str | None = None) -> bytes:
        if order == "F":
            return self._native().tobytes("F")
        return super().tobytes(order)

    def toreadonly(self) -> MappedView:
        self._check()
        return ShapedView(self._owner, self._addr, self._shape, True, self._fmt, self._step)

    def __len__(self) -> int:
        self._check()
        return len(self._native())

    def __iter__(self) -> Any:
        self._check()
        return iter(self._native())  # which refuses it, as of 3.13

    def _slice(self, key: slice) -> MappedView:
        if not self._shape:
            return ShapedView(self._owner, self._addr, (), self._readonly, self._fmt)  # memoryview(v): all of it
        start, stop, step = key.indices(self._count)
        count = len(range(start, stop, step))
        at = self._addr + start * self._step if count else self._addr
        shape = (count, *self._shape[1:])
        return ShapedView(self._owner, at, shape, self._readonly, self._fmt, self._step * step)

    def _place(self, key: Any) -> int | None:
        """Address of one item; None for what is no key of one."""
        shape = self._shape
        if not isinstance(key, tuple) or len(key) != len(shape) or not all(hasattr(type(k), "__index__") for k in key):
            return None
        at = self._addr
        for dimension, (k, length, stride) in enumerate(zip(key, shape, self.strides, strict=True), 1):
            i = k.__index__()
            i += length if i < 0 else 0
            if not 0 <= i < length:
                raise IndexError(f"index out of bounds on dimension {dimension}")
            at += i * stride
        return at

    def __getitem__(self, key: Any) -> Any:
        self._check()
        if isinstance(key, slice) and self._shape:
            return self._slice(key)
        if key is ... and not self._shape:
            return self
        at = self._place(key)
        if at is None:
            return self._native()[key]  # which refuses it
        return struct.unpack(self._fmt, buffers_._memory().load(at, struct.calcsize(self._fmt)))[0]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check()
        if self._readonly:
            raise TypeError("cannot modify read-only memory")
        if key is ... and not self._shape:
            key = ()
        at = self._place(key)
        if at is None:
            self._native()[key] = value  # which refuses it
            return
        item = self._sample()
        item[0] = value
        buffers_._memory().store(at, item.tobytes())


buffers_.show_as_memoryview(ShapedView)
