"""The items of a mapping: m[i], m[i] = byte, slices, iteration. Modules/mmapmodule.c, 3.11 to 3.13.

A byte is found through the TLB, or through a window (kos/hw/tlb.py): two accesses to one page make a window of it, and
pages that lie side by side in physical memory are joined to it. There is one window for loads and one for stores; into
the second, compiled guest code looks itself (kos/compiler/stores.py). Measured on Python 3.11: m[i] 80 ns, 105 ns
beside the window; m[i] = v 105 and 125 ns, and 60 ns where it is compiled into a loop.
"""

from __future__ import annotations

import mmap as _host
import sys
from collections.abc import Iterator
from operator import index
from typing import Any

from kos.hw.pte import READ, WRITE
from kos.hw.tlb import Window, hot
from kos.params import PAGE_SIZE
from kos.runtime.freeze.pickler import add_type
from kos.runtime.memory import load, load8, miss, store, store8
from kos.stdlib import args
from kos.stdlib.buffers_ import InMemory, window_of

_READ_ONLY = int(_host.ACCESS_READ)


class Items(InMemory):
    """The part of a mapping that is a sequence of bytes."""

    __slots__ = ("_access", "_addr", "_read_page", "_reads", "_size", "_write_page", "_writes")

    _addr: int  #: address of the first byte; 0 = closed
    _size: int  #: bytes
    _access: int
    _reads: Window  #: for loads
    _writes: Window  #: for stores
    _read_page: int  #: page of the last load beside the window: two in a row make a window of it
    _write_page: int

    def _check(self) -> None:
        if not self._addr:
            raise ValueError("mmap closed or invalid")

    def _check_writable(self) -> None:
        if not self._addr:
            raise ValueError("mmap closed or invalid")
        if self._access == _READ_ONLY:
            raise TypeError("mmap can't modify a readonly memory map.")

    def __len__(self) -> int:
        self._check()
        return self._size

    def __getitem__(self, key: Any) -> Any:
        size = self._size
        if type(key) is int:  # no other may be compared: that is the guest's code
            window = self._reads
            if window.low <= key and key < window.high:
                return window.mem[key + window.delta]
            if 0 <= key < size:
                at = self._addr + key
                page = at >> 12
                delta = hot.read.get(page)
                if delta is None:
                    return hot.mem[at + miss(at, READ)]
                if page != self._read_page:
                    self._read_page = page
                else:
                    self._keep(window, key, delta)
                return hot.mem[at + delta]
        self._check()
        if isinstance(key, slice):
            start, stop, step = key.indices(size)
            self._check()  # again: the bounds may have been objects whose __index__ closed the map
            count = len(range(start, stop, step))
            if not count:
                return b""
            if step == 1:
                return load(self._addr + start, count)
            low = min(start, start + step * (count - 1))
            piece = load(self._addr + low, abs(step) * (count - 1) + 1)
            return piece[::step] if step > 0 else piece[::-1][::-step]
        if not hasattr(type(key), "__index__"):
            raise TypeError("mmap indices must be integers")
        place = self._place(key)
        return load8(self._addr + place)

    def __setitem__(self, key: Any, value: Any) -> None:
        # The hot path: a byte into a page that the TLB knows as writable. What is wrong with key or value, or not
        # there, falls through and is looked at closely below; a closed map has size 0. Only an int itself is stored
        # here: what another object's __index__ does may take the page away.
        if type(key) is int and type(value) is int and 0 <= value < 256:
            window = self._writes
            if window.low <= key and key < window.high:
                window.mem[key + window.delta] = value
                return
            if 0 <= key < self._size:
                at = self._addr + key
                page = at >> 12
                delta = hot.write.get(page)
                if delta is not None:
                    hot.mem[at + delta] = value
                    if page != self._write_page:
                        self._write_page = page
                    else:
                        self._keep(window, key, delta)
                    return
                if self._access != _READ_ONLY:
                    hot.mem[at + miss(at, WRITE)] = value
                    return
        self._check_writable()
        if isinstance(key, slice):
            start, stop, step = key.indices(self._size)
            count = len(range(start, stop, step))
            data = contents_of(value)
            self._check()
            if len(data) != count:
                raise IndexError("mmap slice assignment is wrong size")
            if step == 1:
                if count:
                    store(self._addr + start, data)
            else:
                for i in range(count):
                    store8(self._addr + start + i * step, data[i])
            return
        if not hasattr(type(key), "__index__"):
            raise TypeError("mmap indices must be integer")
        place = self._place(key)
        if not hasattr(type(value), "__index__"):
            raise TypeError("mmap item value must be an int")
        byte = ssize(value, TypeError)
        if not 0 <= byte <= 255:
            raise ValueError("mmap item value must be in range(0, 256)")
        self._check()
        store8(self._addr + place, byte)

    def _keep(self, window: Window, key: int, delta: int) -> None:
        """The TLB has hit the page of offset `key` again. delta: physical minus virtual address."""
        low = key & ~(PAGE_SIZE - 1)
        window.take(low, min(low + PAGE_SIZE, self._size), self._addr + delta)

    def _new_windows(self) -> None:
        self._reads, self._writes = Window(), Window()
        self._read_page = self._write_page = -1

    def _close_windows(self) -> None:
        """The mapping moves, or ends."""
        self._reads.close()
        self._writes.close()

    def _place(self, key: Any) -> int:
        i = ssize(key, IndexError)
        self._check()
        if i < 0:
            i += self._size
        if not 0 <= i < self._size:
            raise IndexError("mmap index out of range")
        return i

    def __delitem__(self, key: Any) -> None:
        self._check_writable()
        if isinstance(key, slice):
            key.indices(self._size)
            raise TypeError("mmap object doesn't support slice deletion")
        if not hasattr(type(key), "__index__"):
            raise TypeError("mmap indices must be integer")
        self._place(key)
        raise TypeError("mmap doesn't support item deletion")

    def __iter__(self) -> Iterator[bytes]:
        return iter(Pieces(self))

    def __reversed__(self) -> Iterator[bytes]:
        return reversed(Pieces(self))

    def __contains__(self, item: object) -> bool:
        return isinstance(item, bytes) and len(item) == 1 and item in load(self._addr, len(self))


class Pieces:
    """Bytes objects of length one: what CPython's sequence protocol gives of an mmap, unlike m[i].

    A sequence, so that what goes through it is the built-in iterator, as in CPython: a fork can copy that.
    """

    __slots__ = ("_map",)

    def __init__(self, map: Items) -> None:
        self._map = map

    def __len__(self) -> int:
        return len(self._map)

    def __getitem__(self, i: int) -> bytes:
        m = self._map
        if i < m._size:
            return load(m._addr + i, 1)
        m._check()
        raise IndexError("mmap index out of range")


def ssize(value: Any, error: type[Exception]) -> int:
    """PyNumber_AsSsize_t: an index, or the error that the caller wants where it is too large for any."""
    n = index(value)
    if not -sys.maxsize - 1 <= n <= sys.maxsize:
        raise error(f"cannot fit '{type(value).__name__}' into an index-sized integer")
    return n


def contents_of(value: Any) -> bytes:
    """The bytes of any buffer."""
    if isinstance(value, bytes):
        return value
    window = window_of(value, False)
    if window is not None:
        return load(*window)
    return args.contiguous(value).tobytes()


add_type(Window, lambda freezer, one: (Window, ()))
