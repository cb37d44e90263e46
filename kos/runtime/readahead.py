"""Buffered reading as Modules/_io/bufferedio.c does it: how much is read from the file, and when.

`_pyio` reads the same bytes in other pieces. That shows wherever a descriptor's position is looked at or shared: by
os.read beside the file object, by a child that goes on reading after a fork, by a program run after an exec.
The buffer holds what the last fills brought, `_read_pos` tells how much of it is used: what has been used can be
sought back to without a system call.
"""

from __future__ import annotations

from operator import index
from typing import Any


def _fetch(self: Any, n: int) -> bytes | None:
    """One read of the file; `_at` is where it then stands, as far as this object knows (C: abs_pos)."""
    if self._at is None:
        self._at = self.raw.tell() if self.raw.seekable() else -1
    data: bytes | None = self.raw.read(n)
    self._at += len(data or b"")
    return data


def _peek(self: Any, n: int = 0) -> bytes:
    """_bufferedreader_peek_unlocked: what is there, else one read."""
    if self._read_pos >= len(self._read_buf):
        self._reset_read_buf()
        self._read_buf = _fetch(self, self.buffer_size) or b""
    data: bytes = self._read_buf[self._read_pos :]
    return data


def _read(self: Any, n: int) -> bytes | None:
    """_bufferedreader_read_generic: whole buffers' worth straight from the file, the rest through the buffer."""
    held, at = self._read_buf, self._read_pos
    if n <= len(held) - at:
        self._read_pos = at + n
        taken: bytes = held[at : at + n]
        return taken
    pieces = [held[at:]]
    missing = n - len(pieces[0])
    self._reset_read_buf()
    size = self.buffer_size
    while missing > 0:
        whole = missing - missing % size
        if not whole and len(self._read_buf) >= size:
            break
        data = _fetch(self, whole or size - len(self._read_buf))
        if not data:
            if data is None and n == missing:
                return None  # nothing there yet, which is not the end
            break
        if not whole:
            self._read_buf += data
            self._read_pos += min(missing, len(data))
        pieces.append(data[:missing])
        missing -= len(pieces[-1])
    return b"".join(pieces)


def read1(self: Any, size: int = -1) -> bytes:
    """_io__Buffered_read1_impl: what is there, else one read of that size, past the buffer."""
    if self.closed:
        raise ValueError("read of closed file")
    if size < 0:
        size = self.buffer_size
    at = self._read_pos
    have = len(self._read_buf) - at
    if not size:
        return b""
    if have > 0:
        taken: bytes = self._read_buf[at : at + size]
        self._read_pos = at + len(taken)
        return taken
    self._reset_read_buf()
    return _fetch(self, size) or b""


def _readinto(self: Any, buf: Any, read1: bool) -> int | None:
    """_buffered_readinto_generic; None where there is nothing yet."""
    view = buf.cast("B")
    held = self._read_buf[self._read_pos : self._read_pos + len(view)]
    view[: len(held)] = held
    self._read_pos += len(held)
    written = len(held)
    if written == len(view):
        return written
    self._reset_read_buf()
    while written < len(view):
        missing = len(view) - written
        if missing > self.buffer_size:
            n = self.raw.readinto(view[written:])
            self._at = None
        elif read1 and written:
            break
        else:
            data = _fetch(self, self.buffer_size - len(self._read_buf))
            n = None if data is None else min(len(data), missing)
            if data and n:
                self._read_buf += data
                self._read_pos += n
                view[written : written + n] = data[:n]
        if not n:
            return None if n is None and not written else written
        written += n
        if read1:
            break
    return written


def seek(self: Any, target: int, whence: int = 0) -> int:
    """_io__Buffered_seek_impl: inside the buffer, while some of it is unread, without a system call."""
    target = index(target)
    held, at = self._read_buf, self._read_pos
    unread = len(held) - at
    if unread and whence in (0, 1):
        here = (self.raw.tell() if self._at is None else self._at) - unread
        offset = target if whence else target - here
        if -at <= offset <= unread:
            self._read_pos = at + offset
            return int(here + offset)
    if whence == 1:
        target -= unread
    self._at = position = self.raw.seek(target, whence)
    self._reset_read_buf()
    return int(position)


def tell(self: Any) -> int:
    """_io__Buffered_tell_impl: asks the file."""
    self._at = position = self.raw.tell()
    return int(position - len(self._read_buf) + self._read_pos)


def follow_c(reader: Any) -> None:
    """Give _pyio's BufferedReader these ways."""
    read_all = reader._read_unlocked

    def read_unlocked(self: Any, n: int | None = None) -> bytes | None:
        if n is not None and n != -1:
            return _read(self, n)
        self._at = None
        data: bytes | None = read_all(self, n)
        return data

    reader._read_unlocked = read_unlocked
    reader._peek_unlocked = _peek
    reader.read1 = read1
    reader._readinto = _readinto
    reader.seek, reader.tell = seek, tell
    reader._at = None
