"""What each importable module looks like before a guest has touched it.

A template is a namespace, made once on a CPU: a copy of a native module's, or what an emulated
module's code left when it ran. A world's module starts as a copy of it (tens of nanoseconds
a name); a *binder* then puts in what is the task's own. A snapshot holds only the names whose
values are not the template's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

from kos.runtime.world import World

Namespace = dict[str, Any]

_makers: dict[str, Callable[[], Namespace]] = {}
_binders: dict[str, Callable[[World], Namespace]] = {}
_made: dict[str, Namespace] = {}


def add(name: str, make: Callable[[], Namespace], bind: Callable[[World], Namespace] | None = None) -> None:
    """Say how the module's namespace is made, and what of it is each world's own."""
    _makers[name] = make
    _made.pop(name, None)
    if bind is not None:
        _binders[name] = bind


def exists(name: str) -> bool:
    """Whether guests may import a module of that name that is not their own code."""
    return name in _makers


def names() -> list[str]:
    """All that guests may import besides their own code."""
    return list(_makers)


def namespace(name: str) -> Namespace:
    """The template's namespace; made now if this CPU has not yet."""
    made = _made.get(name)
    if made is None:
        made = _made[name] = _makers[name]()
    return made


def new_module(world: World, name: str) -> ModuleType:
    """The world's module of that name, as it is before the guest changes it. Does not enter it in sys.modules."""
    module = bare_module(world, name)
    bind = _binders.get(name)
    if bind is not None:
        vars(module).update(bind(world))
    note_state(world, module)
    return module


def bare_module(world: World, name: str) -> ModuleType:
    """A copy of the template, known to the world as such."""
    template = namespace(name)
    module = ModuleType(template["__name__"])
    vars(module).update(template)
    world.origin[module] = name
    return module


def note_state(world: World, module: ModuleType) -> None:
    """Remember how the module differs from its template now: the next snapshot needs only look for changes."""
    template = namespace(world.origin[module])
    current = vars(module)
    changed = tuple([k for k, v in current.items() if (k not in template or template[k] is not v) and k[:1] != "$"])
    gone = tuple([k for k in template if k not in current])
    world.pristine[module] = (list(current.values()), changed, gone)


def differences(world: World, module: ModuleType) -> tuple[Namespace, tuple[str, ...]] | None:
    """(changed or new names with their values, deleted names); None where the module is as the template."""
    current = vars(module)
    known = world.pristine.get(module)
    # 7 us for 300 names by operator.is_; comparing by == could call the guest.
    if known is None or not _same(known[0], current):
        note_state(world, module)
        known = world.pristine[module]
    _, changed, gone = known
    if not changed and not gone:
        return None
    return {name: current[name] for name in changed}, gone


def change(world: World, changes: list[tuple[ModuleType, Namespace, tuple[str, ...]]]) -> None:
    """Make the world's bare modules differ from their templates as `differences` said."""
    pristine = world.pristine
    for module, changed, gone in changes:
        values = vars(module)
        for name in gone:
            values.pop(name, None)
        values.update(changed)
        pristine[module] = (list(values.values()), tuple(changed), gone)
    for module in world.origin:
        if module not in pristine:
            pristine[module] = (list(vars(module).values()), (), ())


def _same(before: list[Any], current: Namespace) -> bool:
    if len(before) != len(current):
        return False
    return all(map(operator.is_, before, current.values()))
