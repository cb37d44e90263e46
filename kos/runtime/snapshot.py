"""A task's Python state as bytes, and back: frames, world, and all objects that they reach.

    blob = dumps(frames, world, extra)
    frames, world, extra = loads(blob)

It is a pickle with a long memo: both ends begin with the objects that every CPU has
(`freeze.static`) and with the task's modules and their namespaces, which the loading end makes
before it reads anything, so that functions can be built on globals that are still empty.
Then come, in this order: the functions and classes of the guest's modules, the frames and the
rest of the modules, and the queue of what objects hold (`freeze.pickler`).
"""

from __future__ import annotations

import io
import marshal
from types import FunctionType, ModuleType
from typing import Any

from kos.compiler import compile_unit, units
from kos.platform.host.bigstack import run_on_big_stack
from kos.runtime import builtins_, identity, templates
from kos.runtime.freeze import atend, blame, classes, gens, hashes, natives, static
from kos.runtime.freeze.pickler import CannotCopy, Freezer, Thawer
from kos.runtime.world import COPIED, World, current

_MAGIC = b"kos1"


class SnapshotError(Exception):
    """Bytes that no snapshot of this machine left."""


def dumps(frames: list[Any], world: World, extra: Any = None) -> bytes:
    """Everything that the frames and the world reach, by value.

    Raises TypeError naming the variable where an object cannot be copied; nothing has changed then.
    """
    if world is current():
        world.leave()  # fetches decimal's context
    try:
        try:
            return _dumps(frames, world, extra)
        except RecursionError:
            return run_on_big_stack(lambda: _dumps(frames, world, extra))
    except CannotCopy as error:
        where = blame.find(error.culprit, frames, world)
        message = f"{where}: {error}" if where else str(error)
    # Outside the handler: the guest's exception does not carry the frames of this file.
    raise TypeError(message)


def _modules(world: World) -> list[ModuleType]:
    """The module objects that the loading end makes before it reads, each once."""
    held = [module for module in world.modules.values() if issubclass(type(module), ModuleType)]
    return list(dict.fromkeys([*world.origin, world.sys, *held]))


def _dumps(frames: list[Any], world: World, extra: Any) -> bytes:
    modules = _modules(world)
    index = {module: n for n, module in enumerate(modules)}
    origin = world.origin
    odd = {name: module for name, module in world.modules.items() if not issubclass(type(module), ModuleType)}
    head = marshal.dumps(
        (
            static.size(),
            [(_name(module), origin.get(module)) for module in modules],
            [(name, -1 if name in odd else index[module]) for name, module in world.modules.items()],
            index[world.sys],
            [(unit.id, unit.source, unit.filename, unit.kind) for unit in map(units.get, world.units)],
        )
    )
    out = io.BytesIO()
    freezer = Freezer(out, [world, world.modules, *modules, *map(vars, modules)], world)

    code: list[Any] = []
    named: list[type] = []
    rest: list[Any] = []
    copies: list[Any] = []
    for module in modules:
        if module in origin:
            changes = templates.differences(world, module)
            if changes is not None:
                copies.append((module, *changes))
        else:
            namespace = vars(module)
            early = {k: v for k, v in namespace.items() if issubclass(type(v), (FunctionType, type))}
            code.append((namespace, tuple(namespace), early))
            named += [v for v in early.values() if issubclass(type(v), type)]
            rest.append((namespace, {k: v for k, v in namespace.items() if k not in early}))
    freezer.dump((classes.in_order(named), code))
    packed = [gens.pack(freezer, frame) for frame in frames]
    freezer.dump((packed, extra, [getattr(world, name) for name in COPIED], rest, copies, odd))
    for module in modules:
        if type(module) is not ModuleType:
            freezer.later(natives.set_module_class, module, type(module))
    freezer.write_queue()
    carried = identity.carry(world, freezer.memo)
    if carried:
        freezer.dump([(identity.restore, world, carried)])
    freezer.dump(None)
    return b"".join((_MAGIC, len(head).to_bytes(4, "little"), head, out.getbuffer()))


def _name(module: ModuleType) -> str:
    name = vars(module).get("__name__")
    return name if isinstance(name, str) else "?"


def loads(blob: bytes) -> tuple[list[Any], World, Any]:
    """(frames, world, extra) as they were; what is shared among them is shared again."""
    size = int.from_bytes(blob[4:8], "little")
    if blob[:4] != _MAGIC or len(blob) <= 8 + size:
        raise SnapshotError("not a snapshot")
    nr_static, described, entries, sys_index, sources = marshal.loads(blob[8 : 8 + size])
    base = static.seal()
    if nr_static != static.size():
        raise SnapshotError(f"made with {nr_static} static objects, but this CPU has {static.size()}")
    world = World()
    for unit_id, source, filename, kind in sources:
        world.units[unit_id] = None
        if units.find(unit_id) is None:
            compile_unit(source, filename, kind=kind)
    modules = [
        ModuleType(name) if template is None else templates.bare_module(world, template) for name, template in described
    ]
    world.modules.update((key, modules[n]) for key, n in entries)
    world.sys = modules[sys_index]
    builtins_.attach(world, modules)
    anchors = [world, world.modules, *modules, *map(vars, modules)]
    # One MEMOIZE for each static object makes room for them, one PERSID for each anchor puts it in.
    numbers = b"".join([b"J" + n.to_bytes(4, "little") + b"Q\x94" for n in range(len(anchors))])
    room = b"N" + b"\x94" * nr_static + b"."
    thawer = Thawer(io.BytesIO(b"".join((room, numbers, b"N.", memoryview(blob)[8 + size :]))))
    thawer.anchors = anchors
    thawer.load()
    thawer.memo = base.memo
    thawer.load()
    hashes.begin(world)
    try:
        return _load(thawer, world)
    finally:
        atend.clear()


def _load(thawer: Thawer, world: World) -> tuple[list[Any], World, Any]:
    _, code = thawer.load()
    for namespace, keys, early in code:
        builtins_module = namespace.get("__builtins__")
        namespace.clear()
        namespace.update(dict.fromkeys(keys))
        namespace["__builtins__"] = builtins_module
        namespace.update(early)
    packed, extra, fields, rest, copies, odd = thawer.load()
    for namespace, values in rest:
        namespace.update(values)
    templates.change(world, copies)
    world.modules.update(odd)
    for name, value in zip(COPIED, fields, strict=True):
        setattr(world, name, value)
    while (batch := thawer.load()) is not None:
        for put, one, state in batch:
            put(one, state)
    atend.run()
    return [gens.unpack(wire) for wire in packed], world, extra
