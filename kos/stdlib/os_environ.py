"""os.environ: the guest's own environment, which exec hands on.

CPython has two copies: the mapping os.environ, and libc's `environ`, which putenv changes and execv passes on. The
second is World.environ here; a change of the mapping changes both, putenv only the second.
"""

from __future__ import annotations

import os as _host
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from _kos import world

from kos.stdlib import args

__all__ = ["getenv", "getenvb", "putenv", "unsetenv"]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"str expected, not {type(value).__name__}")
    return value


def _raw(value: Any) -> str:
    """A bytes key or value of os.environb, as the text that it is kept as."""
    if not isinstance(value, bytes):
        raise TypeError(f"bytes expected, not {type(value).__name__}")
    return _host.fsdecode(value)


class _Environ(MutableMapping[Any, Any]):
    """os.environ, or os.environb over the same data."""

    def __init__(self, data: dict[str, str], is_bytes: bool) -> None:
        self._data = data
        self._is_bytes = is_bytes

    def _in(self, value: Any) -> str:
        return _raw(value) if self._is_bytes else _text(value)

    def _out(self, value: str) -> Any:
        return _host.fsencode(value) if self._is_bytes else value

    def __getitem__(self, key: Any) -> Any:
        try:
            value = self._data[self._in(key)]
        except KeyError:
            raise KeyError(key) from None
        return self._out(value)

    def __setitem__(self, key: Any, value: Any) -> None:
        name, text = self._in(key), self._in(value)
        putenv(name, text)
        self._data[name] = text

    def __delitem__(self, key: Any) -> None:
        name = self._in(key)
        unsetenv(name)
        try:
            del self._data[name]
        except KeyError:
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[Any]:
        return iter([self._out(key) for key in self._data])

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        items = ", ".join([f"{key!r}: {value!r}" for key, value in self.items()])
        return f"environ({{{items}}})"

    def copy(self) -> dict[Any, Any]:
        return dict(self)

    def setdefault(self, key: Any, value: Any = None) -> Any:
        if key not in self:
            self[key] = value
        return self[key]

    def __ior__(self, other: Any) -> _Environ:
        self.update(other)
        return self

    def __or__(self, other: Any) -> Any:
        if not isinstance(other, Mapping):
            return NotImplemented
        new = dict(self)
        new.update(other)
        return new

    def __ror__(self, other: Any) -> Any:
        if not isinstance(other, Mapping):
            return NotImplemented
        new = dict(other)
        new.update(self)
        return new


def __world__(own: Any) -> dict[str, Any]:
    """os.environ and os.environb of one World, from what exec handed over."""
    data = {_host.fsdecode(key): _host.fsdecode(value) for key, value in own.environ.items()}
    environ = own.extra["os.environ"] = _Environ(data, False)
    return {"environ": environ, "environb": _Environ(data, True)}


def putenv(name: Any, value: Any, /) -> None:
    key, text = _host.fsdecode(args.fs_bytes(name)), _host.fsdecode(args.fs_bytes(value))
    if "=" in key:
        raise ValueError("illegal environment variable name")
    if not key:
        raise OSError(22, _host.strerror(22))
    world.current().environ[key] = text


def unsetenv(name: Any, /) -> None:
    key = _host.fsdecode(args.fs_bytes(name))
    if not key or "=" in key:
        raise OSError(22, _host.strerror(22))
    world.current().environ.pop(key, None)


def getenv(key: str, default: Any = None) -> Any:
    return world.current().extra["os.environ"].get(key, default)


def getenvb(key: bytes, default: Any = None) -> Any:
    value = world.current().extra["os.environ"].get(_host.fsdecode(key))
    return default if value is None else _host.fsencode(value)
