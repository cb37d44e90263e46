"""The module traceback for guests: the host's, without the runtime's own frames, on the guest's stderr.

What a guest sees of a stack are its own functions and those of the libraries that it called, as CPython
would show them; frames of kos itself are skipped where a traceback or a stack is walked.
"""

from __future__ import annotations

import functools
import itertools
import os.path
import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

import kos
from kos.compiler.units import by_stub
from kos.runtime import raising, templates
from kos.runtime.frameviews import BOTTOM, locals_of, next_own
from kos.runtime.freeze import errors, static
from kos.runtime.guestgen import NativeGen
from kos.runtime.privately import private_copy, source_of
from kos.runtime.world import World, current

_PYIO = source_of("_pyio")[1]
_C_IN_CPYTHON = ("partial.__call__", "partial.__new__", "reduce", "_lru_cache_wrapper.", "lru_cache.", "_make_key")
_HOME = os.path.dirname(os.path.abspath(kos.__file__)) + os.sep

#: From 3.12 on these comprehensions have no frames of their own (PEP 709).
_INLINED = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"} if sys.version_info >= (3, 12) else ())


def is_own(code: CodeType) -> bool:
    """Whether the code is a part of kos, or Python code that stands where CPython has C: guests do not see it."""
    name = code.co_filename
    info = by_stub.get(id(code))
    if info is not None and info.fast is not None:
        return True  # it only starts the body, whose frame is the guest's
    if name == _PYIO or (name == functools.__file__ and code.co_qualname.startswith(_C_IN_CPYTHON)):
        return True
    return name.startswith((_HOME, "<kos", "<frozen importlib")) or code.co_name in _INLINED


class _Sys:
    """`sys` of the copied module: the host's facts, the world's streams."""

    def __getattr__(self, name: str) -> Any:
        if name in ("stdout", "stderr", "stdin", "excepthook", "tracebacklimit"):
            return getattr(current().sys, name)
        if name == "exc_info":
            return raising.handled
        if name == "exception":
            return raising.handled_exception
        return getattr(sys, name)


#: Captured locals, and the names that a NameError suggests, are the guest's.
_EDITS = [(f"{name}.f_locals", f"_locals_of({name})") for name in ("f", "frame")]
_copy: Any = private_copy("traceback", "traceback", {"sys": _Sys()}, _EDITS)
_copy._locals_of = locals_of
_walk, _walk_full, _walk_stack = _copy.walk_tb, _copy._walk_tb_with_full_positions, _copy.walk_stack


def walk_tb(tb: Any) -> Any:
    """(frame, line) of the guest's entries."""
    return (entry for entry in _walk(tb) if not is_own(entry[0].f_code))


def _walk_tb_with_full_positions(tb: Any) -> Iterator[Any]:
    return (entry for entry in _walk_full(tb) if not is_own(entry[0].f_code))


def walk_stack(f: Any) -> Any:
    """(frame, line) of the guest's functions, innermost first."""
    if f is None:
        f = sys._getframe(1)
    entries = itertools.takewhile(lambda entry: entry[0].f_code.co_filename != BOTTOM, list(_walk_stack(f)))
    return (entry for entry in entries if not is_own(entry[0].f_code))


def guest_walk_tb(tb: Any) -> NativeGen:
    """traceback.walk_tb, as a guest calls it: no native generator may reach one."""
    return NativeGen(walk_tb(tb))


def guest_walk_stack(f: Any) -> NativeGen:
    """traceback.walk_stack, as a guest calls it."""
    return NativeGen(walk_stack(sys._getframe(1) if f is None else f))


guest_walk_tb.__name__ = guest_walk_tb.__qualname__ = "walk_tb"
guest_walk_stack.__name__ = guest_walk_stack.__qualname__ = "walk_stack"
_copy.walk_tb, _copy.walk_stack = walk_tb, walk_stack
_copy._walk_tb_with_full_positions = _walk_tb_with_full_positions


_init = _copy.TracebackException.__init__


def _init_cleaned(self: Any, exc_type: Any, exc_value: Any, *args: Any, **kwargs: Any) -> None:
    """Of an exception whose context is what the guest knows."""
    if exc_value is not None:
        raising.context_of(exc_value)
    _init(self, exc_type, exc_value, *args, **kwargs)


_copy.TracebackException.__init__ = _init_cleaned


def interrupted() -> FrameType | None:
    """The frame of the guest's that runs, as its signal handler sees it."""
    return next_own(sys._getframe(1))


def print_exception(kind: Any, value: Any, traceback: Any, chain: bool = True) -> None:
    """To the world's stderr, in CPython's format; silent where there is none. chain: with its causes and contexts."""
    stream = getattr(current().sys, "stderr", None)
    if stream is not None:
        stream.write("".join(_copy.format_exception(kind, value, traceback, chain=chain)))
        stream.flush()


def _make() -> dict[str, Any]:
    made = {name: value for name, value in vars(_copy).items() if name not in ("__builtins__", "sys", "linecache")}
    return {**made, "walk_tb": guest_walk_tb, "walk_stack": guest_walk_stack}


def _bind(world: World) -> dict[str, Any]:
    return {"sys": world.sys}


errors.keep_entry[0] = lambda code: not is_own(code)
static.register(value for value in vars(_copy).values() if getattr(value, "__module__", "") == "traceback")
static.register((guest_walk_tb, guest_walk_stack))
templates.add("traceback", _make, _bind)
