"""Running a guest body to its end, under C code that called it.

The task cannot be captured meanwhile: C frames stand between. It may wait: each trap goes to `hooks.suspend`,
which switches to the scheduler and comes back with the answer. Fork is refused, by the name of the C function.
"""

from __future__ import annotations

import ast
import errno
import os.path
import sys
from types import FrameType
from typing import Any

import kos
from kos.compiler.units import by_stub
from kos.runtime import hooks
from kos.traps import Carry, Fork, unwrap

_HOME = os.path.dirname(os.path.abspath(kos.__file__)) + os.sep


def sync(body: Any) -> Any:
    """The result of a body, run to its end here; its exception likewise."""
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
        stop = unwrap(carry)
    raise stop


def suspend(trap: Any) -> Any:
    """Pass a trap from under C code on to the kernel; its answer is returned or raised."""
    if isinstance(trap, Fork):
        raise OSError(errno.ENOTSUP, f"fork: {_c_function(sys._getframe(1))}, which is C code, stands between")
    return hooks.suspend(trap)


def _c_function(frame: FrameType | None) -> str:
    """Name what called into the guest from C: the call that the frame below the stub, or the generator, executes."""
    while frame is not None and frame.f_code.co_filename.startswith(_HOME):
        frame = frame.f_back
    if frame is None:
        return "native code"
    caller = "the caller of a generator"
    below: FrameType | None = frame
    if id(frame.f_code) in by_stub:
        caller, below = f"the caller of {frame.f_code.co_qualname}", frame.f_back
    return (_called(_segment(below)) if below is not None else "") or caller


def _called(source: str) -> str:
    """The name of the function in the text of a call; "" where it is no call, or of something without a name."""
    try:
        node = ast.parse(source.strip(), mode="eval").body
    except SyntaxError:  # only the first of several lines
        name = source.split("(", 1)[0].strip() if "(" in source else ""
        return name if all(part.isidentifier() for part in name.split(".")) else ""
    if not isinstance(node, ast.Call):
        return ""
    func: ast.AST = node.func
    while isinstance(func, ast.Attribute):
        func = func.value
    if isinstance(func, ast.Name):
        return ast.unparse(node.func)
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _segment(frame: FrameType) -> str:
    """The source text of the expression that a frame executes."""
    import linecache

    positions = list(frame.f_code.co_positions())
    line, end_line, col, end_col = positions[frame.f_lasti // 2] if frame.f_lasti >= 0 else (None,) * 4
    if line is None or col is None:
        return ""
    text = linecache.getline(frame.f_code.co_filename, line).encode()
    return text[col : end_col if end_line == line else None].decode(errors="replace")
