"""Running a guest body to its end, under C code that called it.

The task cannot be captured meanwhile: C frames stand between. It may wait: each trap goes to `hooks.suspend`,
which switches to the scheduler and comes back with the answer. Fork is refused, by the name of the C function.
"""

from __future__ import annotations

import errno
import sys
from types import FrameType
from typing import Any

from kos.compiler.units import by_stub
from kos.runtime import hooks
from kos.runtime.traps import Carry, Fork


def sync(body: Any) -> Any:
    """The result of a body, run to its end here; its exception likewise."""
    hooks.sync_depth += 1
    try:
        trap = body.send(None)
        while True:
            try:
                answer = suspend(trap)
            except BaseException as exc:
                failure = exc
            else:
                trap = body.send(answer)
                continue
            trap = body.throw(failure)
    except StopIteration as end:
        return end.value
    except Carry as carry:
        stop = carry.exc
    finally:
        hooks.sync_depth -= 1
    raise stop


def suspend(trap: Any) -> Any:
    """Pass a trap from under C code on to the kernel; its answer is returned or raised."""
    if isinstance(trap, Fork):
        raise OSError(errno.ENOTSUP, f"fork: {_c_function(sys._getframe(1))}, which is C code, stands between")
    return hooks.suspend(trap)


def _c_function(frame: FrameType | None) -> str:
    """Name what called into the guest from C: the call that the guest frame below the stub is executing."""
    while frame is not None and id(frame.f_code) not in by_stub:
        frame = frame.f_back
    if frame is None:
        return "native code"
    stub, below = frame.f_code, frame.f_back
    if below is None:
        return f"the caller of {stub.co_qualname}"
    source = _segment(below)
    name = source.split("(", 1)[0].strip() if "(" in source else ""
    if name and all(part.isidentifier() for part in name.split(".")):
        return name
    return f"the caller of {stub.co_qualname}"


def _segment(frame: FrameType) -> str:
    """The source text of the expression that a frame executes."""
    import linecache

    positions = list(frame.f_code.co_positions())
    line, end_line, col, end_col = positions[frame.f_lasti // 2] if frame.f_lasti >= 0 else (None,) * 4
    if line is None or col is None:
        return ""
    text = linecache.getline(frame.f_code.co_filename, line).encode()
    return text[col : end_col if end_line == line else None].decode(errors="replace")
