"""What a guest sees of frames and code: its own functions, their locals without the hidden ones, their own code."""

from __future__ import annotations

import functools
import os.path
import sys
from types import CodeType, FrameType
from typing import Any

import kos
from kos.compiler import units
from kos.compiler.units import by_body, by_stub
from kos.runtime.freeze.errors import keep_entry

#: The file whose functions stand below every guest's first one: what is under them is the CPU's own loop.
BOTTOM = os.path.join(os.path.dirname(os.path.abspath(kos.__file__)), "runtime", "rtl", "programs.py")


def next_own(frame: FrameType | None) -> FrameType | None:
    """The frame itself, or else the next one outwards, that is a guest's; None: there is none."""
    keep = keep_entry[0]
    while frame is not None and not keep(frame.f_code):
        if frame.f_code.co_filename == BOTTOM:
            return None
        frame = frame.f_back
    return frame


def back_of(one: Any) -> Any:
    """`$guest_back`: the attribute f_back as the guest reads it."""
    return next_own(one.f_back) if type(one) is FrameType else one.f_back


def locals_of(one: Any) -> Any:
    """`$guest_locals`: the attribute f_locals as the guest reads it."""
    seen = one.f_locals
    info = by_body.get(id(one.f_code)) if type(one) is FrameType else None
    if info is None:
        return seen
    if info.kind == "module":
        return one.f_globals
    if info.kind == "class":
        return seen["$ns"]
    return {name: value for name, value in seen.items() if name[0] != "$"}


def code_of(one: Any) -> Any:
    """`$guest_code`: the attribute f_code as the guest reads it, the same as its function's `__code__`."""
    code = one.f_code
    info = by_body.get(id(code)) if type(one) is FrameType else None
    return code if info is None else info.stub


@functools.lru_cache(64)
def _codes(unit_id: str) -> dict[tuple[str, int], list[CodeType]]:
    """(qualname, first line) -> the code objects that CPython makes of a unit's source, in its order."""
    unit = units.get(unit_id)
    found: dict[tuple[str, int], list[CodeType]] = {}
    rest = [compile(unit.source, unit.filename, "exec", dont_inherit=True)]
    for code in rest:  # grows
        found.setdefault((code.co_qualname, code.co_firstlineno), []).append(code)
        rest += [const for const in code.co_consts if isinstance(const, CodeType)]
    return found


def code_fact(one: Any, name: str) -> Any:
    """`$guest_co`: an attribute `co_...` as the guest reads it: of its function, not of the compiled form."""
    info = by_stub.get(id(one))
    if info is None:
        return getattr(one, name)
    same = _codes(info.unit_id).get((info.qualname, one.co_firstlineno), ())
    if len(same) != 1:
        return getattr(one, name)  # two lambdas of one line
    return getattr(same[0], name)


def getframe(depth: int = 0, /) -> FrameType:
    """sys._getframe for a guest."""
    frame = next_own(sys._getframe(1))
    while frame is not None and depth > 0:
        frame, depth = back_of(frame), depth - 1
    if frame is None:
        raise ValueError("call stack is not deep enough")
    return frame


getframe.__name__ = getframe.__qualname__ = "_getframe"
