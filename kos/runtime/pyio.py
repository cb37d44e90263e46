"""The copy of CPython's `_pyio` that guests' files are made of: over the emulated `os`, without locks.

What of it is made to behave as the C version stands in io_.py (files and their buffers), readahead.py and textio.py.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from kos.runtime import templates
from kos.runtime.privately import private_copy


class NoLock:
    """A task has one thread of control: nothing to lock, and nothing that a copy would lose."""

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *exc: object) -> None:
        return None

    def acquire(self, *args: object, **kwargs: object) -> bool:
        return True

    def release(self) -> None:
        return None

    def locked(self) -> bool:
        return False


class _EmulatedOs:
    """What _pyio takes for `os`: the calls of the emulated module, the host's constants."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("O_", "SEEK_")) or name in ("linesep", "fspath", "strerror"):
            value = getattr(os, name)
        else:
            try:
                value = calls()[name]
            except KeyError:
                raise AttributeError(name) from None
        self.__dict__[name] = value
        return value


#: Where the emulated `os` calls are found; settable before the first file is opened.
calls: Callable[[], dict[str, Any]] = lambda: templates.namespace("os")  # noqa: E731  # replaced in tests


#: Messages in which _pyio differs from the C version.
_EDITS = (
    ('"can\'t have read/write/append mode at once"', '"must have exactly one of create/read/write/append mode"'),
    (
        '"must have exactly one of read/write/append mode"',
        '"Must have exactly one of create/read/write/append mode and at most one plus"',
    ),
    ('"flush on closed file"', '"flush of closed file"'),
    ('"unsupported whence (%r)"', '"invalid whence (%r, should be 0, 1 or 2)"'),
    ('"invalid whence value"', 'f"whence value {whence} unsupported"'),
    ('"invalid number of bytes to read"', '"read length must be non-negative or -1"'),
    ("n = min(n, size)", "n = min(n, size - len(res))"),
    ("            if n >= hint:", "            if n > hint:"),
    ("raise OSError('Negative file descriptor')", "raise ValueError(f'opener returned {fd}')"),
    ('raise AssertionError("pending decoded text")', "pass"),
    ('"illegal newline value: %r"', '"illegal newline value: %s"'),
    (
        'TypeError("invalid mode: %r" % mode)',
        "TypeError(\"open() argument 'mode' must be str, not \" + type(mode).__name__)",
    ),
    (
        'TypeError("invalid buffering: %r" % buffering)',
        'TypeError(f"{type(buffering).__name__!r} object cannot be interpreted as an integer")',
    ),
    (
        '"invalid encoding: %r" % encoding)\n    if errors',
        "\"open() argument 'encoding' must be str or None, not \" + type(encoding).__name__)\n    if errors",
    ),
    ('f"{size!r} is not an integer"', 'f"argument should be integer or None, not {type(size).__name__!r}"'),
)
module: Any = private_copy(
    "_pyio", "_io", {"os": _EmulatedOs(), "_thread": SimpleNamespace(allocate_lock=NoLock)}, _EDITS
)
FileIO: Any = module.FileIO
TextIOWrapper: Any = module.TextIOWrapper
BufferedWriter: Any = module.BufferedWriter
BufferedReader: Any = module.BufferedReader
BufferedRandom: Any = module.BufferedRandom
Unsupported = io.UnsupportedOperation


def method(cls: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a function into one of the copied classes, in place of the method of its name."""

    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__.rstrip("_") if not function.__name__.startswith("__") else function.__name__
        function.__qualname__ = f"{cls.__name__}.{name}"
        setattr(cls, name, function)
        return function

    return put
