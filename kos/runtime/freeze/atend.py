"""What can be done only when a whole snapshot is loaded: the last step of `snapshot.loads`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_calls: list[tuple[Callable[..., object], tuple[Any, ...]]] = []


def call(function: Callable[..., object], *args: Any) -> None:
    """Call it when everything is loaded."""
    _calls.append((function, args))


def run() -> None:
    """The end of a load: do what was asked for, in order."""
    for function, args in _calls:
        function(*args)
    _calls.clear()


def clear() -> None:
    """A load that failed leaves nothing to the next one."""
    _calls.clear()
