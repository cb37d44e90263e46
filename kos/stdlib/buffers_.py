"""Simulated memory where Python expects a buffer: the guest's `memoryview`, and C code's buffers.

The bytes of a mapping lie scattered over frames, behind page tables: no host pointer shows them in one piece. So

* `MappedView` is a memoryview over simulated memory, written in Python: each access is a load or a store, and what a
  fork or another CPU does to the pages is seen through it. The guest's builtin `memoryview` makes one of these for
  an object that lies in simulated memory, and the host's for all others; isinstance() knows both.
* C code that takes a buffer for the length of one call (zlib.crc32(m), struct.pack_into, bytes.join, int.from_bytes)
  gets a copy, and what it wrote into the copy is stored back when it lets go: `buffer_slot` arranges that.

Rejected: replacing every C function that accepts buffers (there are hundreds); mapping the frames side by side with
host page tables (the simulated protections and copy-on-write would be bypassed).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from operator import index
from typing import Any

from kos.runtime.typename import type_name

Window = tuple[int, int]  #: address and length in bytes of simulated memory
host_memoryview = memoryview  # the name is taken over below, for guests


def _can_cast(code: str) -> bool:
    try:
        host_memoryview(bytes(16)).cast(code)  # type: ignore[call-overload]  # a variable
    except ValueError:
        return False
    return True


NATIVE_FORMATS = frozenset(filter(_can_cast, "cbB?hHiIlLqQnNefdP"))  # 'e' since 3.12


class InMemory:
    """Base of all objects whose bytes lie in simulated memory."""

    __slots__ = ()

    def _kos_window(self, writable: bool) -> Window:
        """Address and length, if the bytes are one contiguous piece and may be written where that is asked."""
        raise NotImplementedError


def window_of(obj: object, writable: bool) -> Window | None:
    """The simulated memory behind `obj`; None for an ordinary host object."""
    return obj._kos_window(writable) if isinstance(obj, InMemory) else None


class _ViewClass(type):
    """Shows itself, and lets itself be changed, as the built-in type does: all guests of a CPU have the one class."""

    def __repr__(cls) -> str:
        return "<class 'memoryview'>"

    def __setattr__(cls, name: str, value: object) -> None:
        raise TypeError(f"cannot set {name!r} attribute of immutable type 'memoryview'")

    def __delattr__(cls, name: str) -> None:
        raise TypeError(f"cannot set {name!r} attribute of immutable type 'memoryview'")


class _Attribute(property):
    """An attribute that C defines: read only, and it says so in C's words."""

    def __set__(self, one: Any, value: object) -> None:
        name = self.fget.__name__ if self.fget else ""
        raise AttributeError(f"attribute {name!r} of 'memoryview' objects is not writable")


class MappedView(InMemory, metaclass=_ViewClass):
    """A one-dimensional memoryview of simulated memory. Those of more or no dimensions: kos/stdlib/shaped_view.py.

    owner: the exporter (an mmap), which counts its exports; addr: of the first item; step: bytes from item to item.
    """

    __slots__ = ("__weakref__", "_addr", "_count", "_exports", "_fmt", "_owner", "_readonly", "_size", "_step")

    def __init__(self, owner: Any, addr: int, count: int, readonly: bool, fmt: str = "B", step: int = 0) -> None:
        self._owner = owner
        self._addr = addr
        self._count = count  # items
        self._fmt = fmt
        self._size = struct.calcsize(fmt)
        self._step = step or self._size
        self._readonly = readonly
        owner._kos_export(1)

    # --- life ---

    def release(self) -> None:
        """Let go of the owner, so that it can be closed or resized."""
        owner, self._owner = self._owner, None
        if owner is not None:
            owner._kos_export(-1)

    def __del__(self) -> None:
        if getattr(self, "_owner", None) is not None:
            self.release()

    def __enter__(self) -> MappedView:
        self._check()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def __reduce_ex__(self, protocol: Any = 2, /) -> Any:
        # For copy.copy(). A fork copies the view with its owner; the count of exports is part of the owner's state.
        raise TypeError("cannot pickle memoryview objects")

    __reduce__ = __reduce_ex__

    def _check(self) -> None:
        if self._owner is None:
            raise ValueError("operation forbidden on released memoryview object")

    # --- what it is ---

    @_Attribute
    def obj(self) -> Any:
        self._check()
        return self._owner

    @_Attribute
    def nbytes(self) -> int:
        self._check()
        return self._count * self._size

    @_Attribute
    def itemsize(self) -> int:
        self._check()
        return self._size

    @_Attribute
    def format(self) -> str:
        self._check()
        return self._fmt

    @_Attribute
    def readonly(self) -> bool:
        self._check()
        return self._readonly

    @_Attribute
    def ndim(self) -> int:
        self._check()
        return 1

    @_Attribute
    def shape(self) -> tuple[int, ...]:
        self._check()
        return (self._count,)

    @_Attribute
    def strides(self) -> tuple[int, ...]:
        self._check()
        return (self._step,)

    @_Attribute
    def suboffsets(self) -> tuple[()]:
        self._check()
        return ()

    @_Attribute
    def contiguous(self) -> bool:
        self._check()
        return self._step == self._size or self._count == 1  # none at all counts as C has it: by the step

    @_Attribute
    def c_contiguous(self) -> bool:
        return bool(self.contiguous)

    @_Attribute
    def f_contiguous(self) -> bool:
        return bool(self.contiguous)

    def __len__(self) -> int:
        self._check()
        return self._count

    def __repr__(self) -> str:
        return f"<{'released memory' if self._owner is None else 'memory'} at {id(self):#x}>"

    # --- bytes in and out ---

    def _kos_window(self, writable: bool) -> Window:
        self._check()
        if not self.contiguous:
            raise BufferError("memoryview: underlying buffer is not C-contiguous")
        if writable and self._readonly:
            raise BufferError("memoryview: underlying buffer is not writable")
        return self._addr, self._count * self._size

    def tobytes(self, order: str | None = None) -> bytes:
        """All items as bytes, one load for each contiguous piece."""
        self._check()
        host_memoryview(b"").tobytes(order)  # type: ignore[arg-type]  # refuses any other
        load = _memory().load
        if not self._count:
            return b""
        if self._step == self._size:
            return load(self._addr, self._count * self._size)
        # One load for the whole span: an item far from its neighbours costs a slice, not a translation.
        low = self._addr + min(0, self._step * (self._count - 1))
        span = load(low, abs(self._step) * (self._count - 1) + self._size)
        first = self._addr - low
        places = (first + i * self._step for i in range(self._count))
        return b"".join(span[at : at + self._size] for at in places)

    def __bytes__(self) -> bytes:
        return self.tobytes()

    def hex(self, *args: Any) -> str:
        return self.tobytes().hex(*args)

    def tolist(self) -> list[Any]:
        """All items, unpacked."""
        return self._native().tolist()

    def _native(self) -> host_memoryview:
        """A host memoryview of a copy."""
        view = host_memoryview(self.tobytes())
        return view if self._fmt == "B" else view.cast(self._fmt)  # type: ignore[call-overload]  # a variable

    def toreadonly(self) -> MappedView:
        self._check()
        return MappedView(self._owner, self._addr, self._count, True, self._fmt, self._step)

    def cast(self, format: Any, shape: Sequence[int] | None = None) -> MappedView:
        """The same bytes seen as items of another format; to or from bytes, as natively."""
        self._check()
        if not isinstance(format, str):
            kind = "None" if format is None else type(format).__name__
            raise TypeError(f"cast() argument 'format' must be str, not {kind}")
        code = format.removeprefix("@")
        if len(code) != 1 or code not in NATIVE_FORMATS:
            host_memoryview(b"").cast(format)  # type: ignore[call-overload]  # refuses it
        if self._fmt.removeprefix("@") not in "Bbc" and code not in "Bbc":
            raise TypeError("memoryview: cannot cast between two non-byte formats")
        if not self.contiguous:
            raise TypeError("memoryview: casts are restricted to C-contiguous views")
        size = struct.calcsize(format)
        total = self._count * self._size
        if total % size:
            raise TypeError("memoryview: length is not a multiple of itemsize")
        if shape is None:
            return MappedView(self._owner, self._addr, total // size, self._readonly, format)
        from kos.stdlib.shaped_view import shaped

        return shaped(self, format, shape, total)

    # --- items ---

    def _at(self, key: Any) -> int:
        i = index(key)
        if not -(1 << 63) <= i < 1 << 63:
            raise IndexError(f"cannot fit '{type(key).__name__}' into an index-sized integer")
        if i < 0:
            i += self._count
        if not 0 <= i < self._count:
            raise IndexError("index out of bounds on dimension 1")
        return self._addr + i * self._step

    def _slice(self, key: slice) -> MappedView:
        start, stop, step = key.indices(self._count)
        count = len(range(start, stop, step))
        at = self._addr + start * self._step if count else self._addr
        return MappedView(self._owner, at, count, self._readonly, self._fmt, self._step * step)

    def __getitem__(self, key: Any) -> Any:
        self._check()
        if isinstance(key, slice):
            return self._slice(key)
        if isinstance(key, tuple) and len(key) == 1:
            (key,) = key
        if not hasattr(type(key), "__index__"):
            return self._sample()[key]  # which refuses it
        at = self._at(key)
        if self._fmt == "B":
            return _memory().load8(at)
        return struct.unpack(self._fmt, _memory().load(at, self._size))[0]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check()
        if self._readonly:
            raise TypeError("cannot modify read-only memory")
        if isinstance(key, slice):
            self._store_slice(self._slice(key), value)
            return
        if isinstance(key, tuple) and len(key) == 1:
            (key,) = key
        if not hasattr(type(key), "__index__"):
            self._sample()[key] = value  # which refuses it
            return
        at = self._at(key)
        item = self._sample()
        item[0] = value
        _memory().store(at, item.tobytes())

    def _sample(self) -> host_memoryview:
        """A host memoryview of one item, to convert and refuse keys and values in its own words."""
        return host_memoryview(bytearray(struct.calcsize(self._fmt))).cast(self._fmt)  # type: ignore[call-overload]  # a variable

    def _store_slice(self, part: MappedView, value: Any) -> None:
        try:
            data = value._native() if isinstance(value, MappedView) else host_memoryview(value)
        except TypeError:
            raise TypeError(f"a bytes-like object is required, not '{type_name(value)}'") from None
        if data.ndim != 1 or data.format.removeprefix("@") != self._fmt.removeprefix("@") or len(data) != part._count:
            raise ValueError("memoryview assignment: lvalue and rvalue have different structures")
        raw, size, store = data.tobytes(), self._size, _memory().store
        if part._step == size:
            store(part._addr, raw)
        else:
            for i in range(part._count):
                store(part._addr + i * part._step, raw[i * size : (i + 1) * size])

    def __delitem__(self, key: Any) -> None:
        raise TypeError("cannot delete memory")

    def __iter__(self) -> Iterator[Any]:
        self._check()
        return iter(_ItemsOf(self))

    def __contains__(self, item: object) -> bool:
        return item in self._native().tolist()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MappedView):
            if self._owner is None or other._owner is None:
                return self is other
            return self._native() == other._native()
        if self._owner is None:
            return False
        if isinstance(other, InMemory):
            return self._native() == _memory().load(*other._kos_window(False))
        return self._native() == other

    def __hash__(self) -> int:
        self._check()
        if not self._readonly:
            raise ValueError("cannot hash writable memoryview object")
        if self._fmt not in ("B", "b", "c"):
            raise ValueError("memoryview: hashing is restricted to formats 'B', 'b' or 'c'")
        return hash(self.tobytes())


class _ItemsOf:
    """A view's items as a sequence, for the built-in iterator: a fork can copy that."""

    __slots__ = ("_view",)

    def __init__(self, view: MappedView) -> None:
        self._view = view

    def __getitem__(self, i: int) -> Any:
        if i >= self._view._count:
            raise IndexError
        return self._view[i]


def show_as_memoryview(cls: type[MappedView]) -> None:
    """What type(v).__name__ says; copies find the class by its qualified name."""
    type.__setattr__(cls, "__name__", "memoryview")


show_as_memoryview(MappedView)


class _ViewType(type):
    """Makes `memoryview` one type for guests, though two classes stand behind it."""

    def __call__(cls, *given: Any, **named: Any) -> Any:
        if len(given) != 1 or named:
            if given or list(named) != ["object"]:
                host_memoryview(*given, **named)  # refuses them
            given = (named["object"],)
        (object,) = given
        if isinstance(object, MappedView):
            object._check()
            return object._slice(slice(None))
        if isinstance(object, InMemory):
            addr, length = object._kos_window(False)
            return MappedView(object, addr, length, bool(getattr(object, "_kos_readonly", False)))
        return host_memoryview(object)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, host_memoryview | MappedView)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, host_memoryview | MappedView)

    __repr__, __setattr__, __delattr__ = _ViewClass.__repr__, _ViewClass.__setattr__, _ViewClass.__delattr__


class memoryview(metaclass=_ViewType):  # the builtin's name
    """Create a new memoryview object which references the given object."""


def _memory() -> Any:
    """kos.runtime.memory, looked up late: it needs a booted machine, this file does not."""
    global _memory_module
    if _memory_module is None:
        from kos.runtime import memory

        _memory_module = memory
    return _memory_module


_memory_module: Any = None
Sequence.register(memoryview)
