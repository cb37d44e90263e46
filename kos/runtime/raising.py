"""Exceptions in compiled code: raised again at a landing, matched by hand, split for `except*`."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from kos.runtime.freeze.errors import keep_entry
from kos.traps import Carry, unwrap

_held: list[tuple[BaseException, Any, Any]] = []


def hold(exc: BaseException) -> BaseException:
    """`$hold`: an exception about to be raised again by a landing; `unhold` makes it look as before."""
    _held[:] = [(exc, exc.__traceback__, exc.__context__)]
    return exc


def unhold(exc: BaseException) -> None:
    """`$unhold`: undo what raising it again did to an exception."""
    held, trace, context = _held.pop()
    assert held is exc
    exc.__traceback__ = trace
    exc.__context__ = context


def exc_info(exc: BaseException) -> tuple[type[BaseException], BaseException, Any]:
    """`$exc_info`: what a context manager's __exit__ is given."""
    exc = unwrap(exc)
    return type(exc), exc, guest_part(exc)


def guest_part(exc: BaseException) -> TracebackType | None:
    """The exception's traceback, from which the runtime's own entries are taken out for good."""
    keep = keep_entry[0]
    first = exc.__traceback__
    entry = first
    while entry is not None and not keep(entry.tb_frame.f_code):
        entry = entry.tb_next
    if entry is not first:
        exc.__traceback__ = entry
    first = entry
    while entry is not None:
        after = entry.tb_next
        while after is not None and not keep(after.tb_frame.f_code):
            after = after.tb_next
        if after is not entry.tb_next:
            entry.tb_next = after
        entry = after
    return first


def traceback_of(one: Any) -> Any:
    """`$guest_tb`: the attribute __traceback__ as the guest reads it."""
    return guest_part(one) if isinstance(one, BaseException) else one.__traceback__


def context_of(one: Any) -> Any:
    """`$guest_context`: the attribute __context__ as the guest reads it."""
    found = one.__context__
    if type(found) is Carry:
        found = one.__context__ = unwrap(found)
    return found


def handled() -> tuple[type[BaseException] | None, BaseException | None, TracebackType | None]:
    """sys.exc_info() for a guest."""
    exc = sys.exc_info()[1]
    return (None, None, None) if exc is None else exc_info(exc)


def handled_exception() -> BaseException | None:
    """sys.exception() for a guest."""
    return handled()[1]


handled.__name__ = handled.__qualname__ = "exc_info"
handled_exception.__name__ = handled_exception.__qualname__ = "exception"


def matches(exc: BaseException, kinds: Any) -> bool:
    """`$match`: whether `except kinds` catches it."""
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TypeError("catching classes that do not inherit from BaseException is not allowed")
    return isinstance(unwrap(exc), kinds)


def widen(kinds: Any) -> Any:
    """`$wide`: what `except kinds` must catch where guest calls are: with StopIteration its Carry."""
    listed = kinds if isinstance(kinds, tuple) else (kinds,)
    if any(isinstance(kind, type) and issubclass(StopIteration, kind) for kind in listed):
        return (*listed, Carry)
    return kinds


class Star:
    """`$star`: the state of the handlers of one `try` with `except*` (PEP 654)."""

    def __init__(self, exc: BaseException) -> None:
        exc = unwrap(exc)
        self.original = exc
        self.left: BaseException | None = exc
        self.parts: list[BaseException] = []
        self.again: list[BaseException] = []
        self.new: list[BaseException] = []

    def split(self, kinds: Any) -> BaseException | None:
        """Take out what a handler's type matches, as a group; None if that is nothing."""
        for kind in kinds if isinstance(kinds, tuple) else (kinds,):
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise TypeError("catching classes that do not inherit from BaseException is not allowed")
            if issubclass(kind, BaseExceptionGroup):
                raise TypeError("catching ExceptionGroup with except* is not allowed. Use except instead.")
        match: BaseException | None = None
        if isinstance(self.left, BaseExceptionGroup):
            match, self.left = self.left.split(kinds)
        elif self.left is not None and isinstance(self.left, kinds):
            match, self.left = BaseExceptionGroup("", (self.left,)), None  # a tuple, as repr() shows
        if match is not None:
            self.parts.append(match)
        return match

    def gather(self, exc: BaseException) -> None:
        """A handler raised this."""
        (self.again if any(exc is part for part in self.parts) else self.new).append(exc)

    def rest(self) -> BaseException | None:
        """What to raise after all handlers; None if everything was handled."""
        kept = [*self.again, *([self.left] if self.left is not None else [])]
        if not self.new and not self.again:
            return self.left
        if not isinstance(self.original, BaseExceptionGroup):
            merged: BaseException | None = kept[0] if kept else None
        else:
            leaves = {id(leaf) for part in kept for leaf in _leaves(part)}
            merged = self.original.subgroup(lambda e: id(e) in leaves) if leaves else None
        if not self.new:
            return merged
        every = [*self.new, *([merged] if merged is not None else [])]
        return every[0] if len(every) == 1 else BaseExceptionGroup("", every)


def _leaves(exc: BaseException) -> list[BaseException]:
    if isinstance(exc, BaseExceptionGroup):
        return [leaf for inner in exc.exceptions for leaf in _leaves(inner)]
    return [exc]
