"""What a guest's body yields to the loop that drives it: small, and never a tuple.

A tuple is a value that a guest's generator yields to whoever iterates it; anything else is for the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any


class Trap:
    """Something for which a task leaves its code, and comes back with an answer."""

    __slots__ = ()


class Wait(Trap):
    """The task is on a wait queue and sleeps until it is woken, or until `deadline_ns` (0: for ever)."""

    __slots__ = ("deadline_ns",)

    def __init__(self, deadline_ns: int = 0) -> None:
        self.deadline_ns = deadline_ns


class Resched(Trap):
    """A safepoint saw the pending word: serve interrupts, perhaps run another task.

    The answer may be None, or `(callable, *args)`: a signal handler that the guest is to call right here,
    after which the safepoint traps again.
    """

    __slots__ = ()


class Fork(Trap):
    """Make a task. Answered in the caller with the child's pid (or tid).

    Without fn the child is a copy that comes back from the same trap with 0; with fn it runs fn(*args)
    on a copy of the caller's Python state. flags: Linux's CLONE_* bits.
    """

    __slots__ = ("args", "flags", "fn")

    def __init__(self, flags: int = 0, fn: Callable[..., Any] | None = None, args: tuple[Any, ...] = ()) -> None:
        self.flags, self.fn, self.args = flags, fn, args


class Exit(Trap):
    """The task ends. status: a wait status; group: with all threads of its process, or alone."""

    __slots__ = ("group", "status")

    def __init__(self, status: int, group: bool = True) -> None:
        self.status, self.group = status, group


INLINE = "-c\0"  #: before the text of a program that is no file


class Exec(Trap):
    """The task becomes another program."""

    __slots__ = ("argv", "env", "path")

    def __init__(self, path: str, argv: Sequence[str], env: Mapping[str, str] | None) -> None:
        self.path, self.argv, self.env = path, argv, env


class _Landed(Trap):
    __slots__ = ()

    def __repr__(self) -> str:
        return "LANDED"

    def __reduce__(self) -> str:
        return "LANDED"


#: What a rebuilt chain of frames yields first: everything stands where it stood, send the trap's answer.
LANDED = _Landed()
RESCHED = Resched()


class Carry(BaseException):
    """A StopIteration on its way out of guest functions.

    Bodies are native generators, and a native generator may not let a StopIteration out (PEP 479). So it
    travels in this, is taken out where a guest's `try` could catch it, and where guest code ends.
    """

    def __init__(self, exc: StopIteration) -> None:
        super().__init__(exc)
        self.exc = exc
        self.is_fresh = True  #: its traceback still ends in the frame from which it came, which is exc's, too


class Thrown:
    """A GeneratorExit on its way into a generator, sent to the `yield` that it stands at, and raised there.

    Thrown natively it would not arrive: a native generator that delegates closes what it delegates to
    instead, and a guest's body may have to suspend while it closes.
    """

    __slots__ = ("exc",)

    def __init__(self, exc: BaseException) -> None:
        self.exc: BaseException | None = exc

    def take(self) -> BaseException:
        """The exception, which this object then no longer holds."""
        exc, self.exc = self.exc, None
        assert exc is not None
        return exc


def unwrap(exc: BaseException) -> BaseException:
    """The exception that the guest means: what a Carry carries, with the frames that both came through; or itself."""
    if not isinstance(exc, Carry):
        return exc
    entries: list[TracebackType] = []
    entry = exc.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    if exc.is_fresh and entries:
        entries.pop()
    exc.is_fresh, exc.__traceback__ = False, None
    inner = exc.exc
    for entry in reversed(entries):
        inner.__traceback__ = TracebackType(inner.__traceback__, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return inner
