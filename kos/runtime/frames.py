"""A suspended guest as data: capture a chain of generators as frames, and rebuild the chain from them.

A frame says which function, at which of its points, with which locals, cells and globals. Rebuilding runs
the *resume* form of every function, whose guards skip what has run already and land on the `yield` where the
frame stood; the chain then yields LANDED, and what is sent next is the answer of the interrupted trap.
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterable
from types import CellType, FunctionType, GeneratorType
from typing import Any, NamedTuple

from kos.compiler.unit import CodeInfo
from kos.compiler.units import by_body
from kos.compiler.units import info as code_info
from kos.runtime.kernelcall import TRAP_CODE
from kos.traps import LANDED

Body = Generator[Any, Any, Any]

#: Hidden locals that are no part of a frame's state: the result register, the point, the cells (kept apart).
_NOT_STATE = frozenset({"$r", "$pt", "$cells", "$j", "$child", "$L", "$f"})


class CannotCapture(Exception):
    """The chain holds something that is no guest frame."""


class Frame(NamedTuple):
    """One suspended function. point 0: not started, the locals are its arguments."""

    unit_id: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody calls on a frame
    point: int
    locals: dict[str, Any]
    cells: dict[str, CellType]
    globals: dict[str, Any]


def info_of_body(gen: Body) -> CodeInfo | None:
    """Which guest function this native generator is a body of."""
    return by_body.get(id(getattr(gen, "gi_code", None)))


def capture(gen: Body) -> list[Frame]:
    """The frames of a suspended body, outermost first; the generators stay as they are.

    Raises CannotCapture where something else than guest frames stands in the chain.
    """
    frames: list[Frame] = []
    here: Any = gen
    while here is not None:
        if type(here) is not GeneratorType:
            raise CannotCapture(f"{type(here).__name__} object in the chain of guest frames")
        if here.gi_code is TRAP_CODE or here.gi_code is _LANDED_CODE:
            break
        info = by_body.get(id(here.gi_code))
        if info is None:
            raise CannotCapture(f"{here.gi_code.co_qualname}, a native generator, in the chain of guest frames")
        frames.append(_capture_one(here, info))
        here = here.gi_yieldfrom
    return frames


def _capture_one(gen: GeneratorType[Any, Any, Any], info: CodeInfo) -> Frame:
    frame = gen.gi_frame
    if frame is None or gen.gi_running:
        raise CannotCapture(f"{info.qualname} is {'running' if gen.gi_running else 'finished'}")
    view = frame.f_locals
    if gen.gi_code is info.resume and not gen.gi_suspended:
        if view["$j"]:
            raise CannotCapture(f"{info.qualname} was rebuilt and has not landed")
        return Frame(info.unit_id, info.index, 0, dict(view["$L"]), _closure_of(gen), frame.f_globals)
    if gen.gi_suspended:
        point = view["$pt"]
        cells = dict(zip(info.cellnames, view.get("$cells", ()), strict=True))
    else:
        point, cells = 0, _closure_of(gen)
    state = {name: value for name, value in view.items() if name not in _NOT_STATE and name not in cells}
    if type(view) is dict:
        # Before 3.13 the dict stays with the frame object, and would keep alive what the frame lets go.
        view.clear()
    return Frame(info.unit_id, info.index, point, state, cells, frame.f_globals)


def _closure_of(gen: GeneratorType[Any, Any, Any]) -> dict[str, CellType]:
    """The closure of a body that nobody has advanced yet: its function alone knows the cells."""
    code = gen.gi_code
    if not code.co_freevars:
        return {}
    for held in gc.get_referents(gen):
        if type(held) is FunctionType and held.__code__ is code:
            return dict(zip(code.co_freevars, held.__closure__ or (), strict=True))
    raise CannotCapture(f"the closure of {code.co_qualname} cannot be found")


def _landed() -> Body:
    return (yield LANDED)


#: In a rebuilt chain this stands where the trap's leaf stood.
_LANDED_CODE = _landed.__code__


def rebuild(frames: Iterable[Frame]) -> Body:
    """A chain that stands where the captured one stood.

    Sending None runs it to its leaf, which yields LANDED (an unstarted outermost frame simply starts). The next
    send or throw delivers the result of the interrupted trap. Cells and values are used as they are.
    """
    child: Body | None = None
    for number, frame in enumerate(reversed(list(frames))):
        if number == 0 and frame.point:
            child = _landed()
        child = rebuild_one(frame, child)
    if child is None:
        raise ValueError("no frames")
    return child


def rebuild_one(frame: Frame, child: Body | None) -> Body:
    """One function's resume form over its saved state, standing on `child`."""
    info = code_info(frame.unit_id, frame.index)
    code = info.resume
    if code is None:
        raise ValueError(f"{info.qualname} never suspends")
    cells, state = dict(frame.cells), dict(frame.locals)
    for name in code.co_freevars:
        if name not in cells:  # an unstarted frame: its own cells do not exist yet
            cells[name] = CellType(state.pop(name)) if name in state else CellType()
    closure = tuple(cells[name] for name in code.co_freevars)
    body = FunctionType(code, frame.globals, info.name, None, closure)
    made: Body = body(frame.point, state, child)
    return made
