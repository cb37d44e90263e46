"""os.read and os.write: system calls with nothing between them and the guest but the conversion of their arguments.

As resumable functions they would be a frame of the guest's more for each call, which is 5 of 18 us of a byte through a
pipe. What they raise and return is the same.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from kos.runtime.kernelcall import KernelCall
from kos.stdlib import args

_FDS = 1 << 31


def add(calls: SimpleNamespace) -> None:
    """Put them beside the system calls that they are: as objects that every CPU has, a copied task finds them again."""
    # What takes a kernel's place, to try these files without one, has plain functions.
    read, write, write_user = (getattr(call, "raw", call) for call in (calls.read, calls.write, calls.write_user))

    def os_read(fd: int, length: int, /) -> Any:
        if not (type(fd) is int and 0 <= fd < _FDS and type(length) is int and 0 <= length < _FDS):
            fd, length = args.c_int(fd), args.c_ssize(length)
        return read(fd, length)

    def os_write(fd: int, data: Any, /) -> Any:
        if type(data) is not bytes:
            data = args.source(data)
            if type(data) is tuple:
                return write_user(args.c_int(fd), data[0], data[1])
        if not (type(fd) is int and 0 <= fd < _FDS):
            fd = args.c_int(fd)
        return write(fd, data)

    os_read.__name__ = os_read.__qualname__ = "read"
    os_write.__name__ = os_write.__qualname__ = "write"
    calls.os_read, calls.os_write = KernelCall("read", os_read), KernelCall("write", os_write)
