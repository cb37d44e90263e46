"""The units that this CPU knows, by id.

A frame or a function that arrives from another CPU names its unit by id. A CPU that has not compiled that
source yet asks the provider for it (the kernel keeps every program's source in shared memory) and compiles it.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from types import CodeType

from kos.compiler.unit import CodeInfo, Unit

Provider = Callable[[str], "tuple[str, str] | tuple[str, str, str] | None"]

_units: dict[str, Unit] = {}
#: id(stub) -> its function; the units keep the code objects alive, so an id is never reused.
by_stub: dict[int, CodeInfo] = {}
#: id(code of a body, fast or resume) -> its function.
by_body: dict[int, CodeInfo] = {}
_provider: Provider | None = None


def set_provider(provider: Provider | None) -> None:
    """Name who is asked for the (source, filename[, kind]) of a unit that is not here."""
    global _provider
    _provider = provider


def register(unit: Unit) -> Unit:
    """Make a unit known on this CPU; the first one registered under an id stays."""
    known = _units.setdefault(unit.id, unit)
    if known is unit:
        for info in unit.functions:
            by_stub[id(info.stub)] = info
            for body in (info.fast, info.resume):
                if body is not None:
                    by_body[id(body)] = info
        if unit.filename != "<string>":  # what exec is given: CPython has no source lines for it either
            # Tracebacks print the source line; a guest's file need not exist on the host.
            lines = unit.source.splitlines(keepends=True)
            linecache.cache[unit.filename] = (len(unit.source), None, lines, unit.filename)
    return known


def find(unit_id: str) -> Unit | None:
    """The unit of that id if this CPU has it."""
    return _units.get(unit_id)


def get(unit_id: str) -> Unit:
    """The unit of that id, compiled now where this CPU has not seen it. KeyError: nobody knows it."""
    unit = _units.get(unit_id)
    if unit is not None:
        return unit
    found = _provider(unit_id) if _provider is not None else None
    if found is None:
        raise KeyError(f"no source for unit {unit_id}")
    from kos.compiler import compile_unit  # imports this module itself

    unit = compile_unit(found[0], found[1], kind=found[2] if len(found) > 2 else "guest")
    if unit.id != unit_id:
        raise KeyError(f"unit {unit_id}: the source given for it has id {unit.id}")
    return unit


def info(unit_id: str, index: int) -> CodeInfo:
    """One function of a unit."""
    return get(unit_id).functions[index]


def info_of_code(code: CodeType) -> CodeInfo | None:
    """The function whose stub this code is; None for any other code."""
    return by_stub.get(id(code))
