"""mmap: the class mmap.mmap over simulated memory. Modules/mmapmodule.c, 3.11 to 3.13.

Native, unlike most emulated modules: m[i] is then one load and no suspended frame. Its system calls never wait. An
object is its address and length, so fork copies it with the rest of the process, and what the two then see is decided
where it should be: in the page tables.
"""

from __future__ import annotations

import functools
import mmap as _host
import sys
from typing import Any

from kos.errors import GuestFault
from kos.hw.tlb import hot
from kos.runtime.memory import load, load8, store, store8
from kos.stdlib import args, arity, buffer_slot, kernel
from kos.stdlib.buffers_ import MappedView, Window
from kos.stdlib.mmap_args import checked_size, parsed
from kos.stdlib.mmap_items import Items, contents_of, ssize
from kos.stdlib.shaped_view import ShapedView

__all__ = ["error", "mmap"]

error = OSError

_READ, _WRITE, _COPY = _host.ACCESS_READ, _host.ACCESS_WRITE, _host.ACCESS_COPY
_ACCESS_NAMES = ("ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY")
_MREMAP_MAYMOVE = 1
_FIRST_PIECE, _LARGEST_PIECE = 1 << 10, 1 << 20  #: bytes that a search copies at once
_NEW_IN_313 = sys.version_info >= (3, 13)


_arguments = functools.partial(arity.between, before=Items._check)  # closed: before anything is parsed


class _Owner:
    """Identity of the tasks that a mapping belongs to: kept in the World, and copied with it by fork."""


def disown() -> None:
    """This task shares its memory with the one that it was copied from: mappings made so far are the other's to unmap.

    A thread's copies of mmap objects die with it, or with a local variable of its function; the mapping must not.
    """
    kernel.current_world().extra["mmap.owner"] = _Owner()


def _owner() -> _Owner:
    owner = kernel.current_world().extra.get("mmap.owner")
    if owner is None:
        owner = kernel.current_world().extra["mmap.owner"] = _Owner()
    return owner


class _Named(type):
    """The class shows itself under the name that guests know; it is found again, by pickle, under its real one."""

    def __repr__(cls) -> str:
        return "<class 'mmap.mmap'>" if cls.__module__ == __name__ else super().__repr__()

    def __setattr__(cls, name: str, value: object) -> None:
        if cls.__module__ == __name__:  # every guest's: what one of them put there, the others would see
            raise TypeError(f"cannot set {name!r} attribute of immutable type 'mmap.mmap'")
        super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        if cls.__module__ == __name__:
            raise TypeError(f"cannot set {name!r} attribute of immutable type 'mmap.mmap'")
        super().__delattr__(name)


class _Closed:
    """The attribute `closed`, which C defines: read only, and it says so in C's words."""

    def __get__(self, one: mmap | None, cls: type) -> Any:
        return self if one is None else one._addr == 0

    def __set__(self, one: mmap, value: object) -> None:
        raise AttributeError("attribute 'closed' of 'mmap.mmap' objects is not writable")


class mmap(Items, metaclass=_Named):  # CPython's name
    """mmap(fileno, length[, flags[, prot[, access[, offset]]]])"""

    __slots__ = ("__weakref__", "_exports", "_fd", "_made_by", "_offset", "_pos")
    _pos: int
    _fd: int  #: a descriptor of its own; -1 = anonymous
    _offset: int
    _exports: int  #: memoryviews that are not released
    _made_by: _Owner | None

    def __new__(cls, *given: Any, **named: Any) -> mmap:
        fileno, length, flags, prot, access, offset, trackfd = parsed(given, named)
        fd, size, flags, prot = (
            args.parsed_int(fileno), args.c_ssize(length), args.parsed_int(flags), args.parsed_int(prot)
        )  # fmt: skip
        access, offset = args.parsed_int(access), args.c_long(offset)
        if size < 0:
            raise OverflowError("memory mapped length must be positive")
        if offset < 0:
            raise OverflowError("memory mapped offset must be positive")
        if access and (flags != _host.MAP_SHARED or prot != _host.PROT_READ | _host.PROT_WRITE):
            raise ValueError("mmap can't specify both access and flags, prot.")
        if access == _READ:
            flags, prot = _host.MAP_SHARED, _host.PROT_READ
        elif access == _COPY:
            flags = _host.MAP_PRIVATE
        elif access not in (0, _WRITE):
            raise ValueError("mmap invalid access parameter.")
        elif not access and prot & 3 != 3:
            access = _WRITE if prot & _host.PROT_WRITE else _READ
        if fd != -1:
            size = checked_size(fd, size, offset)
        self = super().__new__(cls)
        self._addr, self._size, self._pos, self._exports = 0, 0, 0, 0
        self._offset, self._access, self._fd = offset, access, -1
        self._made_by = _owner()
        self._new_windows()
        if fd == -1:
            flags |= _host.MAP_ANONYMOUS
        elif trackfd:
            self._fd = kernel.calls.dup(fd, 0, True)
        try:
            self._addr = kernel.calls.mmap(0, size, prot, flags, fd, offset)
        except OSError:
            if self._fd != -1:
                kernel.calls.close(self._fd)
                self._fd = -1
            raise
        self._size = size
        return self

    # --- life ---

    @arity.none
    def close(self) -> None:
        if self._exports > 0:
            raise BufferError("cannot close exported pointers exist")
        fd, self._fd = self._fd, -1
        addr, self._addr = self._addr, 0
        self._close_windows()
        if fd != -1:
            try:
                kernel.calls.close(fd)
            except OSError:
                pass  # the guest closed it under our hands (os.closerange); CPython does not look either
        if addr:
            size, self._size = self._size, 0
            kernel.calls.munmap(addr, size)

    def __del__(self) -> None:
        # Also called for the copy that stays behind when a task's context is saved, and while a dead task's objects
        # are dropped: then the mapping lives on elsewhere or is gone already, and another task may be running here.
        if not getattr(self, "_addr", 0) or kernel.is_dead():
            return
        own = kernel.current_world()
        if own.extra.get("mmap.owner") is self._made_by:
            self._exports = 0
            try:
                self.close()
            except (OSError, GuestFault):
                pass  # nobody is there to be told

    closed = _Closed()

    def __enter__(self) -> mmap:
        self._check()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")

    def __reduce_ex__(self, protocol: Any, /) -> Any:
        name = "mmap.mmap" if type(self) is mmap else type(self).__name__
        raise TypeError(f"cannot pickle {name!r} object")

    def __repr__(self) -> str:
        name = "mmap.mmap" if type(self) is mmap else type(self).__name__
        if not self._addr:
            return f"<{name} closed=True>"
        return (
            f"<{name} closed=False, access={_ACCESS_NAMES[self._access]}, length={self._size}, pos={self._pos},"
            f" offset={self._offset}>"
        )

    # --- as a buffer ---

    @property
    def _kos_readonly(self) -> bool:
        return self._access == _READ

    def _kos_window(self, writable: bool) -> Window:
        self._check()
        if writable and self._access == _READ:
            raise BufferError("Object is not writable.")
        return self._addr, self._size

    def _kos_export(self, change: int) -> None:
        self._exports += change

    def __bytes__(self) -> bytes:
        self._check()
        return load(self._addr, self._size)

    def __radd__(self, other: Any) -> Any:
        # bytes + m: what C does with any buffer on the right-hand side.
        if isinstance(other, bytes | bytearray):
            return other + load(*self._kos_window(False))
        return NotImplemented

    # --- as a file ---

    @_arguments(0, 1)
    def read(self, n: int | None = None, /) -> bytes:
        self._check()
        left = max(self._size - self._pos, 0)
        if n is None:
            count = left
        else:
            if not hasattr(type(n), "__index__"):
                raise TypeError(f"argument should be integer or None, not '{type(n).__name__}'")
            count = ssize(n, OverflowError)
            self._check()
            if count < 0 or count > left:
                count = left
        data = load(self._addr + self._pos, count) if count else b""
        self._pos += count
        return data

    @arity.none
    def read_byte(self) -> int:
        self._check()
        if self._pos >= self._size:
            raise ValueError("read byte out of range")
        self._pos += 1
        return load8(self._addr + self._pos - 1)

    @arity.none
    def readline(self) -> bytes:
        self._check()
        end = self._search(b"\n", self._pos, self._size, False)
        return self.read((self._size if end < 0 else end + 1) - self._pos)

    @_arguments(1, 1)
    def write(self, data: Any, /) -> int:
        raw = contents_of(data)
        self._check_writable()
        if self._pos > self._size or self._size - self._pos < len(raw):
            raise ValueError("data out of range")
        if raw:
            store(self._addr + self._pos, raw)
        self._pos += len(raw)
        return len(raw)

    @_arguments(1, 1)
    def write_byte(self, byte: int, /) -> None:
        value = args.c_long(byte)
        if value < 0:
            raise OverflowError("unsigned byte integer is less than minimum")
        if value > 255:
            raise OverflowError("unsigned byte integer is greater than maximum")
        self._check_writable()
        if self._pos >= self._size:
            raise ValueError("write byte out of range")
        store8(self._addr + self._pos, value)
        self._pos += 1

    @_arguments(1, 2)
    def seek(self, dist: int, how: int = 0, /) -> int | None:
        dist, how = args.c_ssize(dist), args.c_int(how)
        self._check()
        if how not in (0, 1, 2):
            raise ValueError("unknown seek type")
        where = dist + (0, self._pos, self._size)[how]
        if not 0 <= where <= self._size:
            raise ValueError("seek out of range")
        self._pos = where
        return where if _NEW_IN_313 else None

    if _NEW_IN_313:

        @arity.none
        def seekable(self) -> bool:
            return True

    @arity.none
    def tell(self) -> int:
        self._check()
        return self._pos

    @arity.none
    def size(self) -> int:
        self._check()
        if self._fd == -1 and _NEW_IN_313:
            return self._size
        return int(kernel.calls.fstat(self._fd)[6])

    @_arguments(1, 3)
    def find(self, sub: Any, /, *bounds: int) -> int:
        return self._find(sub, bounds, False)

    @_arguments(1, 3)
    def rfind(self, sub: Any, /, *bounds: int) -> int:
        return self._find(sub, bounds, True)

    def _find(self, sub: Any, bounds: tuple[int, ...], backwards: bool) -> int:
        raw = contents_of(sub)
        places = [args.c_ssize(bound) for bound in bounds]
        self._check()  # after the arguments, here as elsewhere: an __index__ of the guest's may close the map
        low = _clipped(places[0], self._size) if places else self._pos
        high = _clipped(places[1], self._size) if len(places) == 2 else self._size
        return self._search(raw, low, high, backwards)

    def _search(self, sub: bytes, low: int, high: int, backwards: bool) -> int:
        """Piece by piece, small ones first: what is looked for is often near, and no piece copies all of a map."""
        if high < low:
            return -1
        size, overlap = max(_FIRST_PIECE, 2 * len(sub)), max(len(sub) - 1, 0)
        while True:
            end, start = min(low + size, high), max(high - size, low)
            if backwards:
                found = load(self._addr + start, high - start).rfind(sub)
                if found >= 0 or start == low:
                    return start + found if found >= 0 else -1
                high = start + overlap
            else:
                found = load(self._addr + low, end - low).find(sub)
                if found >= 0 or end == high:
                    return low + found if found >= 0 else -1
                low = end - overlap
            size = max(min(size * 4, _LARGEST_PIECE), 2 * len(sub))

    @_arguments(3, 3)
    def move(self, dest: int, src: int, count: int, /) -> None:
        dest, src, count = args.c_ssize(dest), args.c_ssize(src), args.c_ssize(count)
        self._check_writable()
        if dest < 0 or src < 0 or count < 0 or self._size - dest < count or self._size - src < count:
            raise ValueError("source, destination, or count out of range")
        if count:
            store(self._addr + dest, load(self._addr + src, count))

    # --- as a mapping ---

    @_arguments(0, 2)
    def flush(self, offset: int = 0, /, *size: int) -> None:
        offset = args.c_ssize(offset)
        length = args.c_ssize(size[0]) if size else self._size
        self._check()
        if not size and offset:
            length = self._size - offset if _NEW_IN_313 else self._size
        if offset < 0 or length < 0 or self._size - offset < length:
            raise ValueError("flush values out of range")
        if self._access in (_READ, _COPY):
            return
        kernel.calls.msync(self._addr + offset, length, 4)

    @_arguments(1, 3)
    def madvise(self, option: int, start: int = 0, /, *length: int) -> None:
        option, start = args.parsed_int(option), args.c_ssize(start)
        count = args.c_ssize(length[0]) if length else self._size
        self._check()
        if start < 0 or start >= self._size:
            raise ValueError("madvise start out of bounds")
        if count < 0:
            raise ValueError("madvise length invalid")
        if sys.maxsize - start < count:
            raise OverflowError("madvise length too large")
        kernel.calls.madvise(self._addr + start, min(count, self._size - start), option)

    @_arguments(1, 1)
    def resize(self, newsize: int, /) -> None:
        newsize = args.c_ssize(newsize)
        self._check()
        if self._exports > 0:
            raise BufferError("mmap can't resize with extant buffers exported.")
        if self._access not in (0, _WRITE):
            raise TypeError("mmap can't resize a readonly or copy-on-write memory map.")
        if newsize < 0 or sys.maxsize - newsize < self._offset:
            raise ValueError("new size out of range")
        if self._fd != -1:
            kernel.calls.ftruncate(self._fd, self._offset + newsize)
        self._close_windows()
        self._addr = kernel.calls.mremap(self._addr, self._size, newsize, _MREMAP_MAYMOVE)
        self._size = newsize


def _clipped(at: int, size: int) -> int:
    return max(at + size, 0) if at < 0 else min(at, size)


buffer_slot.install(mmap, b"mmap.mmap")
hot.mapped = mmap
buffer_slot.install(MappedView, b"memoryview")
buffer_slot.install(ShapedView, b"memoryview")
