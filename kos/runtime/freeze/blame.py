"""Which variable holds the object that cannot be copied: the way to it, in the program's words."""

from __future__ import annotations

import gc
import os.path
from collections import deque
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from kos.compiler import units
from kos.runtime.world import World

_LIMIT = 200_000  #: objects looked at for one variable before the search gives up
_OPAQUE = (type, CodeType, ModuleType, str, bytes, int, float)


def find(culprit: object, frames: list[Any], world: World) -> str | None:
    """'variable 'x' of f() in prog.py', for the variable by which the culprit is reached."""
    roots = list(_roots(frames, world))
    skip = {id(vars(module)) for module in world.modules.values() if type(module) is ModuleType}
    skip.update((id(world), id(world.modules), id(frames), id(roots)))
    for name, value in roots:
        if _reaches(value, culprit, skip):
            return name
    return None


def _roots(frames: list[Any], world: World) -> Iterator[tuple[str, Any]]:
    for frame in reversed(frames):
        try:
            unit = units.get(frame.unit_id)
        except KeyError:
            continue
        if unit.kind == "rtl":
            continue  # the runtime's own frames hold the program's modules: those come below, by their names
        info, where = unit.functions[frame.index], os.path.basename(unit.filename)
        of = f" of {info.name}()" if info.kind in ("function", "generator") else ""
        for name, value in (*frame.cells.items(), *frame.locals.items()):
            label = f"variable {name!r}" if not name.startswith(("$", ".")) else "a value in use"
            yield f"{label}{of} in {where}", value
    for module in list(world.modules.values()):
        if type(module) is ModuleType and module not in world.origin:
            where = os.path.basename(str(vars(module).get("__file__", module.__name__)))
            for name, value in list(vars(module).items()):
                yield f"variable {name!r} of {where}", value


def _reaches(root: object, culprit: object, skip: set[int]) -> bool:
    if root is culprit:
        return True
    seen = {id(root), *skip}
    line = deque([root])
    while line and len(seen) < _LIMIT:
        here: Any = line.popleft()
        kind = type(here)  # not isinstance(), for which the object's own __class__ counts
        if issubclass(kind, _OPAQUE) and here is not root:
            continue
        inside: list[Any] = gc.get_referents(here)
        if kind is FunctionType:
            inside = [here.__closure__, here.__defaults__, here.__kwdefaults__, here.__dict__]
        elif kind is BuiltinFunctionType:
            inside = [here.__self__]
        for other in inside:
            if other is culprit:
                return True
            if id(other) not in seen:
                seen.add(id(other))
                line.append(other)
    return False
