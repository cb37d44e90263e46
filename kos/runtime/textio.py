"""Text files as Modules/_io/textio.c makes them where `_pyio` does otherwise: messages, when and in which pieces is
written, positions.
"""

from __future__ import annotations

import codecs
import io
from typing import Any

from kos.runtime.pyio import BufferedWriter, FileIO, TextIOWrapper, Unsupported, method
from kos.runtime.typename import argument_name
from kos.runtime.world import current

_CHUNK = 8192  #: bytes of encoded text that a TextIOWrapper gathers, Modules/_io/textio.c
_init_text = TextIOWrapper.__init__


def _new_text(
    self: Any,
    buffer: Any,
    encoding: Any = None,
    errors: Any = None,
    newline: Any = None,
    line_buffering: bool = False,
    write_through: bool = False,
) -> None:
    self._pending = []
    self._pending_size = 0
    self._CHUNK_SIZE = _CHUNK
    self._owner = current()
    _init_text(self, buffer, encoding, errors, newline, line_buffering, write_through)
    self._can_read, self._can_write = buffer.readable(), buffer.writable()


TextIOWrapper.__init__ = _new_text


def _check(self: Any) -> None:
    if self._buffer is None:
        raise ValueError("underlying buffer has been detached")
    if self._buffer.closed:
        raise ValueError("I/O operation on closed file.")


@method(TextIOWrapper)
def write_(self: Any, s: str) -> int:
    """_io_TextIOWrapper_write_impl: encoded text is gathered, and given on in chunks."""
    if not isinstance(s, str):
        raise TypeError(f"write() argument must be str, not {argument_name(s)}")
    buffer = self._buffer
    # The usual case without the three properties that `closed` goes through: 0.6 us of a print's 3.
    if type(buffer) is not BufferedWriter or type(buffer._raw) is not FileIO or buffer._raw._IOBase__closed:
        _check(self)
    if not self._can_write:
        raise Unsupported("not writable")
    text = s
    has_newline = (self._writetranslate or self._line_buffering) and "\n" in s
    if has_newline and self._writetranslate and self._writenl != "\n":
        text = s.replace("\n", self._writenl)
    encoder = self._encoder
    if encoder is None:
        data = self._get_encoder().encode(text)
    elif type(encoder) is _utf8_encoder:
        data = text.encode("utf-8", encoder.errors)
    else:
        data = encoder.encode(text)
    if self._pending and (len(data) >= _CHUNK or (_KEEPS_TO_CHUNK and self._pending_size + len(data) > _CHUNK)):
        self._give()
    self._pending.append(data)
    self._pending_size += len(data)
    must_flush = self._line_buffering and (has_newline or "\r" in s)
    if self._pending_size >= _CHUNK or must_flush or self._write_through:
        self._give()
    if must_flush:
        self._buffer.flush()
    if self._decoder is not None or self._snapshot is not None:
        self._set_decoded_chars("")
        self._snapshot = None
        if self._decoder:
            self._decoder.reset()
    return len(s)


def _keeps_to_chunk() -> bool:
    """Whether this Python gives what is gathered before it would exceed a chunk; later ones join the text to it."""
    below = io.BytesIO()
    above = io.TextIOWrapper(below, "utf-8")
    for _ in range(2):
        above.write("x" * (_CHUNK - 1))
    return len(below.getvalue()) < _CHUNK


_KEEPS_TO_CHUNK = _keeps_to_chunk()
_utf8_encoder: Any = codecs.getincrementalencoder("utf-8")


@method(TextIOWrapper)
def _give(self: Any) -> None:
    """Hand the gathered bytes to the buffer."""
    if self._pending:
        data = b"".join(self._pending)
        self._pending, self._pending_size = [], 0
        self._buffer.write(data)


@method(TextIOWrapper)
def flush(self: Any) -> None:
    _check(self)
    self._telling = self._seekable
    self._give()
    self._buffer.flush()


@method(TextIOWrapper)
def truncate_(self: Any, pos: Any = None) -> int:
    """_io_TextIOWrapper_truncate_impl: where the buffer stands, which may have been read ahead of the text."""
    self.flush()
    size: int = self._buffer.truncate(pos)
    return size


_read_text, _readline_text, _tell_text = TextIOWrapper.read, TextIOWrapper.readline, TextIOWrapper.tell


def _before_read(self: Any) -> None:
    _check(self)
    self._give()
    if not self._can_read:
        raise Unsupported("not readable")


@method(TextIOWrapper)
def read(self: Any, size: Any = -1) -> str:
    _check(self)
    if not self._can_read:
        raise Unsupported("not readable")
    self._give()
    result: str = _read_text(self, size)
    return result


@method(TextIOWrapper)
def readline(self: Any, size: Any = -1) -> str:
    _before_read(self)
    result: str = _readline_text(self, size)
    return result


@method(TextIOWrapper)
def tell(self: Any) -> int:
    _check(self)
    result: int = _tell_text(self)
    return result


@method(TextIOWrapper)
def seekable(self: Any) -> bool:
    if self._buffer is None:
        raise ValueError("underlying buffer has been detached")
    return bool(self._buffer.seekable())


_seek_text = TextIOWrapper.seek


@method(TextIOWrapper)
def seek(self: Any, cookie: int, whence: int = 0) -> int:
    _check(self)
    result: int = _seek_text(self, cookie, whence)
    return result


@method(TextIOWrapper)
def _pack_cookie(
    self: Any, position: int, dec_flags: int = 0, bytes_to_feed: int = 0, need_eof: bool = False, chars_to_skip: int = 0
) -> int:
    """What tell() returns: cookie_type of Modules/_io/textio.c."""
    return position | dec_flags << 64 | bytes_to_feed << 96 | chars_to_skip << 128 | bool(need_eof) << 160


@method(TextIOWrapper)
def _unpack_cookie(self: Any, cookie: int) -> tuple[int, int, int, bool, int]:
    mask = 0xFFFFFFFF
    return (
        cookie & (1 << 64) - 1,
        cookie >> 64 & mask,
        cookie >> 96 & mask,
        bool(cookie >> 160 & 0xFF),
        cookie >> 128 & mask,
    )


TextIOWrapper._CHUNK_SIZE = _CHUNK
TextIOWrapper.newlines = property(lambda self: getattr(self._decoder, "newlines", None))
