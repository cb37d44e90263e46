"""Fixed tables of structures, columns of numbers and raw regions, placed in the arena by name.

They are declared at module level, next to their structure, and bound to memory when a machine boots (in
the parent, before the CPUs are forked, so that every CPU inherits the binding). Slot 0 of a table is never
handed out: index 0 means "none" everywhere.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kos.arena.layout import Struct, layout, u32
from kos.params import Params

if TYPE_CHECKING:
    import numpy as np

S = TypeVar("S", bound=Struct)
REGISTRY: dict[str, Segment] = {}  #: every declared segment, in order of declaration


class Segment:
    """A named part of the arena. nbytes(params) says how much; bind(view) gives it its memory."""

    def __init__(self, name: str) -> None:
        if name in REGISTRY:
            raise ValueError(f"two arena segments are named {name!r}")
        self.name = name
        REGISTRY[name] = self

    def nbytes(self, params: Params) -> int:
        raise NotImplementedError

    def bind(self, view: memoryview, params: Params) -> None:
        raise NotImplementedError


@layout(size=16)
class TableHead(Struct):
    """Free list of a table; under the lock that guards the table."""

    high: u32  #: slots ever handed out lie below; 0 = none yet (slot 0 is never used)
    free_head: u32  #: first slot of the free list; 0 = empty
    nr_used: u32  #: slots handed out now
    pad: u32


class Table(dict[int, S], Segment):
    """A table of `capacity` structures with a free list; table[i] is the structure in slot i.

    The instances are cached per process: `table[i] is table[i]`. The cache is the table itself, a dict that makes
    what it has not got: a hot object costs a look-up in C, 29 ns against 66 through a __getitem__ of ours.
    """

    def __init__(
        self, struct: type[S], name: str, capacity: int | Callable[[Params], int], words: str | None = None
    ) -> None:
        """words: the format (I or Q) of the rows of words that the structures also are (Struct.words); None: none."""
        dict.__init__(self)
        Segment.__init__(self, name)
        self.struct = struct
        self._capacity = capacity
        self._words = words
        self.capacity = 0

    def nbytes(self, params: Params) -> int:
        n = self._capacity(params) if callable(self._capacity) else self._capacity
        return 64 + n * (4 + ctypes.sizeof(self.struct)) + 64

    def bind(self, view: memoryview, params: Params) -> None:
        n = self._capacity(params) if callable(self._capacity) else self._capacity
        self.capacity = n
        self._view = view
        self.head = TableHead.from_buffer(view, 0)
        at = 64 + (4 * n + 63) // 64 * 64
        self._next = view[64 : 64 + 4 * n].cast("I")
        self._base = at
        self.addr = ctypes.addressof(self.struct.from_buffer(view, at))  #: of slot 0, in this process
        self._size = ctypes.sizeof(self.struct)
        self.clear()

    def __missing__(self, index: int) -> S:
        if not 0 <= index < self.capacity:
            raise IndexError(f"{self.name}: slot {index}, there are {self.capacity}")
        at = self._base + index * self._size
        s = self.struct.from_buffer(self._view, at)
        s.index = index
        if self._words is not None:
            s.words = self._view[at : at + self._size].cast(self._words)  # type: ignore[call-overload]  # a variable
        self[index] = s
        return s

    def alloc(self) -> S | None:
        """A cleared slot, or None when the table is full; the table's lock held."""
        head = self.head
        i = head.free_head
        if i:
            head.free_head = self._next[i]
            self._next[i] = 0
        else:
            i = head.high + 1
            if i >= self.capacity:
                return None
            head.high = i
        head.nr_used += 1
        s = self[i]
        s.clear()
        return s

    def free(self, s: S) -> None:
        """Give a slot back; the table's lock held, and nobody refers to it any more."""
        head = self.head
        self._next[s.index] = head.free_head
        head.free_head = s.index
        head.nr_used -= 1

    def free_slots(self) -> set[int]:
        """Indexes on the free list (for the audit)."""
        seen: set[int] = set()
        i = self.head.free_head
        while i and i not in seen:
            seen.add(i)
            i = self._next[i]
        return seen

    def used(self) -> Iterator[S]:
        """Every slot handed out; stable only while the table's lock is held or the machine is quiet."""
        free = self.free_slots()
        for i in range(1, self.head.high + 1):
            if i not in free:
                yield self[i]


class Alone(Segment, Generic[S]):
    """One structure that stands alone; `.s` is it."""

    s: S

    def __init__(self, struct: type[S], name: str) -> None:
        super().__init__(name)
        self.struct = struct

    def nbytes(self, params: Params) -> int:
        return ctypes.sizeof(self.struct)

    def bind(self, view: memoryview, params: Params) -> None:
        self.s = self.struct.from_buffer(view, 0)
        self.s.index = 0


class Column(Segment):
    """An array of numbers. `.v`: memoryview cast to `format` (B H I Q); `.np`: the same as numpy."""

    v: memoryview
    np: np.ndarray[Any, Any]

    def __init__(self, name: str, format: str, count: int | Callable[[Params], int]) -> None:
        super().__init__(name)
        self.format = format
        self._count = count

    def nbytes(self, params: Params) -> int:
        n = self._count(params) if callable(self._count) else self._count
        return n * {"B": 1, "H": 2, "I": 4, "Q": 8}[self.format]

    def bind(self, view: memoryview, params: Params) -> None:
        import numpy

        self.v = view.cast(self.format)  # type: ignore[call-overload]  # the format is a variable
        self.np = numpy.frombuffer(view, dtype={"B": "u1", "H": "<u2", "I": "<u4", "Q": "<u8"}[self.format])


class Region(Segment):
    """Raw bytes: `.buf` is a writable byte view, `.addr` its host address (for atomics)."""

    buf: memoryview
    addr: int

    def __init__(self, name: str, size: int | Callable[[Params], int]) -> None:
        super().__init__(name)
        self._size = size

    def nbytes(self, params: Params) -> int:
        return self._size(params) if callable(self._size) else self._size

    def bind(self, view: memoryview, params: Params) -> None:
        self.buf = view
        self.addr = ctypes.addressof(ctypes.c_char.from_buffer(view))
