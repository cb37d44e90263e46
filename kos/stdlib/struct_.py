"""struct: the two functions that take a place in a buffer, for buffers in simulated memory. Modules/_struct.c.

C code gets a copy of a whole buffer (kos/stdlib/buffer_slot.py): 1.8 ms for each word of a mapping of 1 MiB. Here only
the bytes at that place are loaded or stored: 2 us. What is refused, C refuses, of an empty buffer of that length.
"""

from __future__ import annotations

import mmap
import struct
from typing import Any

from kos.runtime.memory import load, store
from kos.stdlib.buffers_ import InMemory, Window

__all__ = ["pack_into", "unpack_from"]


def _place(window: Window, offset: Any, size: int) -> int | None:
    """Address of `size` bytes at an offset, if they lie in the window."""
    addr, length = window
    if type(offset) is not int:
        return None
    if offset < 0:
        offset += length
    return addr + offset if 0 <= offset <= length - size else None


def _window(args: tuple[Any, ...], writable: bool) -> Window | None:
    """The simulated memory that the call is about; None: another buffer, or C has to refuse it."""
    if len(args) < 2 or not isinstance(args[1], InMemory):
        return None
    try:
        return args[1]._kos_window(writable)
    except (BufferError, ValueError):
        return None


def _empty(window: Window) -> Any:
    """A host buffer as long as the window, of which nothing is touched: the window's own pages may be bad ones."""
    return mmap.mmap(-1, window[1]) if window[1] else bytearray()


def unpack_from(*args: Any, **named: Any) -> tuple[Any, ...]:
    window = None if named or len(args) > 3 else _window(args, False)
    if window is None:
        return struct.unpack_from(*args, **named)
    size = struct.calcsize(args[0])
    at = _place(window, args[2] if len(args) == 3 else 0, size)
    if at is None:
        return struct.unpack_from(args[0], _empty(window), *args[2:])
    return struct.unpack(args[0], load(at, size))


def pack_into(*args: Any, **named: Any) -> None:
    window = None if named or len(args) < 3 else _window(args, True)
    if window is None:
        struct.pack_into(*args, **named)
        return
    size = struct.calcsize(args[0])
    at = _place(window, args[2], size)
    if at is None:
        struct.pack_into(args[0], _empty(window), *args[2:])
        return
    place = bytearray(load(at, size))
    try:
        struct.pack_into(args[0], place, 0, *args[3:])
    finally:
        store(at, place)  # C has cleared it, and stored what comes before a value that it refuses


unpack_from.__doc__, pack_into.__doc__ = struct.unpack_from.__doc__, struct.pack_into.__doc__
