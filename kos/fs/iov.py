"""Where the bytes of a read go and those of a write come from: the guest's Python buffers, or user memory.

A file's operation asks a Source for the next piece when it has room, and hands a Sink what it has, while it
holds its own lock: so bytes leave a pipe only if they have arrived, as with Linux's iov_iter. Both may fault;
the address space's locks come after the file layer's in the lock order.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Protocol

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.mm import uaccess
from kos.params import PAGE_SIZE

Buffer = bytes | bytearray | memoryview
Segment = tuple[int, int]  #: (address, length) in user memory
MAX_RW_COUNT = 0x7FFFF000  #: most bytes that one call moves (Linux)


class Source(Protocol):
    """Bytes to be written."""

    len: int

    def get(self, at: int, n: int) -> bytes | memoryview:
        """Up to n bytes from offset `at`; fewer only where user memory ends. Raises EFAULT if none."""
        ...


class Sink(Protocol):
    """Room for bytes that are read."""

    room: int

    def put(self, data: bytes | memoryview) -> int:
        """Take data; how many bytes were taken (fewer only where user memory ends). Raises EFAULT if none."""
        ...


class BytesSource:
    """A Python buffer."""

    __slots__ = ("_data", "len")

    def __init__(self, data: Buffer) -> None:
        if type(data) is not bytes:
            data = memoryview(data)
            if data.format != "B" or data.ndim != 1:
                data = data.cast("B")
        self._data: bytes | memoryview = data
        self.len = len(data)

    def get(self, at: int, n: int) -> bytes | memoryview:
        return self._data[at : at + n]


class BytesSink:
    """Collects what is read; `data()` is it."""

    __slots__ = ("_parts", "room")

    def __init__(self, room: int) -> None:
        self.room = room
        self._parts: list[bytes | memoryview] = []

    def put(self, data: bytes | memoryview) -> int:
        self._parts.append(data)
        self.room -= len(data)
        return len(data)

    def data(self) -> bytes:
        parts = self._parts
        return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)


class UserSource:
    """User memory, read when it is asked for."""

    __slots__ = ("_addr", "len")

    def __init__(self, addr: int, n: int) -> None:
        self._addr = addr
        self.len = n

    def get(self, at: int, n: int) -> bytes:
        addr = self._addr + at
        n = min(n, self.len - at)
        try:
            return uaccess.copy_from_user(this.mm, addr, n)
        except GuestFault as e:
            if e.errno != errno.EFAULT:
                raise
        data = b""  # not all of it is there: as much as is, page by page
        while len(data) < n:
            piece = min(n - len(data), PAGE_SIZE - (addr + len(data)) % PAGE_SIZE)
            try:
                data += uaccess.copy_from_user(this.mm, addr + len(data), piece)
            except GuestFault:
                if not data:
                    raise
                break
        return data


class UserSink:
    """User memory, written as the data comes."""

    __slots__ = ("_addr", "room")

    def __init__(self, addr: int, n: int) -> None:
        self._addr = addr
        self.room = n

    def put(self, data: bytes | memoryview) -> int:
        addr = self._addr
        n = len(data)
        try:
            uaccess.copy_to_user(this.mm, addr, data)
        except GuestFault as e:
            if e.errno != errno.EFAULT:
                raise
            done = 0
            while done < n:
                piece = min(n - done, PAGE_SIZE - (addr + done) % PAGE_SIZE)
                try:
                    uaccess.copy_to_user(this.mm, addr + done, data[done : done + piece])
                except GuestFault:
                    if not done:
                        raise
                    break
                done += piece
            n = done
        self._addr += n
        self.room -= n
        return n


class ManySource:
    """Several sources, one after the other (writev)."""

    __slots__ = ("_parts", "len")

    def __init__(self, parts: Sequence[Source]) -> None:
        self._parts = parts
        self.len = sum(p.len for p in parts)

    def get(self, at: int, n: int) -> bytes | memoryview:
        got: list[bytes | memoryview] = []
        have = 0
        for part in self._parts:
            if at >= part.len:
                at -= part.len
                continue
            want = min(n - have, part.len - at)
            try:
                piece = part.get(at, want)
            except GuestFault:
                if not have:
                    raise
                break
            if not have and want == n:
                return piece
            got.append(piece)
            have += len(piece)
            if have == n or len(piece) < want:
                break
            at = 0
        return b"".join(got)


class ManySink:
    """Several sinks, one after the other (readv)."""

    __slots__ = ("_at", "_parts", "room")

    def __init__(self, parts: Sequence[Sink]) -> None:
        self._parts = parts
        self._at = 0
        self.room = sum(p.room for p in parts)

    def put(self, data: bytes | memoryview) -> int:
        done = 0
        while done < len(data) and self._at < len(self._parts):
            part = self._parts[self._at]
            if not part.room:
                self._at += 1
                continue
            piece = data[done : done + part.room]
            try:
                n = part.put(piece)
            except GuestFault:
                if not done:
                    raise
                break
            done += n
            if n < len(piece):
                break
        self.room -= done
        return done


def source_of(segments: Sequence[bytes | bytearray | memoryview | Segment]) -> Source:
    """The source of a writev: each segment is a buffer or (address, length)."""
    parts: list[Source] = [UserSource(*s) if isinstance(s, tuple) else BytesSource(s) for s in segments]
    return parts[0] if len(parts) == 1 else ManySource(parts)


def sinks_of(segments: Sequence[int | Segment]) -> list[BytesSink | UserSink]:
    """The sinks of a readv: each segment is a length (bytes come back) or (address, length)."""
    return [UserSink(*s) if isinstance(s, tuple) else BytesSink(s) for s in segments]
