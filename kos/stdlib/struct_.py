"""struct: the two functions that take a place in a buffer, for buffers in simulated memory. Modules/_struct.c.

C code gets a copy of a whole buffer (kos/stdlib/buffer_slot.py): 1.8 ms for each word of a mapping of 1 MiB. Here only
the bytes at that place are loaded or stored: 2 us. What is refused, C refuses.
"""

from __future__ import annotations

import struct
from typing import Any

from kos.runtime.memory import load, store
from kos.stdlib.buffers_ import InMemory, Window

__all__ = ["pack_into", "unpack_from"]


def _place(buffer: InMemory, offset: Any, size: int, writable: bool) -> Window | None:
    """Address and length of `size` bytes at an offset, if they lie in the buffer."""
    try:
        addr, length = buffer._kos_window(writable)
    except (BufferError, ValueError):
        return None
    if type(offset) is not int:
        return None
    if offset < 0:
        offset += length
    return (addr + offset, size) if 0 <= offset <= length - size else None


def unpack_from(*args: Any, **named: Any) -> tuple[Any, ...]:
    if 1 < len(args) < 4 and not named and isinstance(args[1], InMemory):
        place = _place(args[1], args[2] if len(args) == 3 else 0, struct.calcsize(args[0]), False)
        if place is not None:
            return struct.unpack(args[0], load(*place))
    return struct.unpack_from(*args, **named)


def pack_into(*args: Any, **named: Any) -> None:
    if not named and len(args) > 2 and isinstance(args[1], InMemory):
        place = _place(args[1], args[2], struct.calcsize(args[0]), True)
        if place is not None:
            try:
                data = struct.pack(args[0], *args[3:])
            except struct.error:
                pass  # which C words for pack_into
            else:
                store(place[0], data)
                return
    struct.pack_into(*args, **named)


unpack_from.__doc__, pack_into.__doc__ = struct.unpack_from.__doc__, struct.pack_into.__doc__
