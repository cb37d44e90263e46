"""Exceptions that nobody can catch, of finalizers and callbacks: they are the guest's to hear of, on its own stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, NamedTuple

from kos.runtime import hooks, raising, tracebacks_
from kos.runtime.world import current


class UnraisableHookArgs(NamedTuple):
    """What a hook is given: the host has a type of its own for it that nobody can make."""

    exc_type: type[BaseException]
    exc_value: BaseException | None
    exc_traceback: TracebackType | None
    err_msg: str | None
    object: Any


def report(unraisable: Any, /) -> None:
    """sys.unraisablehook of a guest: as the host's, on the world's stderr."""
    stream = getattr(current().sys, "stderr", None)
    if stream is None:
        return
    what = unraisable.err_msg or "Exception ignored in"
    stream.write(f"{what}: {unraisable.object!r}\n" if unraisable.object is not None else f"{what}:\n")
    tracebacks_.print_exception(unraisable.exc_type, unraisable.exc_value, unraisable.exc_traceback, chain=False)


def of_host(unraisable: Any, /) -> None:
    """sys.unraisablehook of the CPU's process: give it to the guest's."""
    world, error = current(), unraisable.exc_value
    if hooks.DEAD[0] or type(error).__module__.startswith("kos."):
        return  # a task that is gone, or a machine that stops
    if error is not None:
        trace = raising.guest_part(error)
        unraisable = UnraisableHookArgs(unraisable.exc_type, error, trace, unraisable.err_msg, unraisable.object)
    hook = getattr(world.sys, "unraisablehook", sys.__unraisablehook__)  # the host's where no guest runs
    try:
        hook(unraisable)
    except BaseException as again:
        if not type(again).__module__.startswith("kos."):
            what = "Exception ignored in sys.unraisablehook"
            report(UnraisableHookArgs(type(again), again, again.__traceback__, what, hook))


def of_finalizer(error: BaseException, one: Any) -> None:
    """What the `__del__` of an object of the runtime's own raises in place of CPython's C code."""
    of_host(UnraisableHookArgs(type(error), error, error.__traceback__, None, one))


hooks.unraisable = of_finalizer
report.__name__ = report.__qualname__ = "unraisablehook"
