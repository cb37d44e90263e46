"""The text of a source file from its bytes, as CPython reads it (PEP 263)."""

from __future__ import annotations

import io
import tokenize


def decode(data: bytes, path: str) -> str:
    """Source text: byte-order mark, coding line, else UTF-8. Raises SyntaxError with path and line."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    try:
        return io.TextIOWrapper(io.BytesIO(data), encoding, newline=None).read()
    except UnicodeDecodeError as e:
        error = SyntaxError(f"(unicode error) {e}")
        error.filename = path
        error.lineno = data.count(b"\n", 0, e.start) + 1
        raise error from None
