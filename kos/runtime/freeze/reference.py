"""Which classes and functions travel by name: those that the other CPU finds to be the same.

A native object travels by name if its module, imported in this host process, really holds
this very object under its qualified name. An object of a shared unit (contextlib compiled
as guest code, an emulated module) travels by the unit's name. All others are the task's
own and travel by value.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

from kos.runtime.kernelcall import KernelCall

_by_name: dict[int, bool] = {}  # id of a class known to be permanent -> True
_shared_names: dict[int, tuple[str, str]] = {}
_shared_dicts: dict[int, str] = {}
_load_shared: list[Callable[[str], dict[str, Any]]] = []


def set_shared_loader(load: Callable[[str], dict[str, Any]]) -> None:
    """Say how a CPU that has not loaded a shared unit yet gets its namespace."""
    _load_shared[:] = [load]


def shared_dict(name: str) -> dict[str, Any]:
    """The namespace of the shared unit `name` on this CPU."""
    return _load_shared[0](name)


def note_shared(name: str, namespace: dict[str, Any]) -> None:
    """Make what a shared unit defines travel by name. The unit lives as long as the CPU."""
    _shared_dicts[id(namespace)] = name
    for key, value in list(namespace.items()):
        _note(name, key, value, namespace)


def _note(unit: str, path: str, value: Any, namespace: dict[str, Any]) -> None:
    if isinstance(value, FunctionType):
        if value.__globals__ is namespace:
            _shared_names.setdefault(id(value), (unit, path))
    elif isinstance(value, type):
        if value.__module__ == namespace.get("__name__") and id(value) not in _shared_names:
            _shared_names[id(value)] = (unit, path)
            for key, inner in list(vars(value).items()):
                if isinstance(inner, (staticmethod, classmethod)):
                    inner = inner.__func__
                if not isinstance(inner, type):
                    _note(unit, path + "." + key, inner, namespace)
    elif isinstance(value, KernelCall) or type(value) is object:
        # A bare object() is a sentinel: the copy must meet the same one, or `x is MISSING` fails in it.
        _shared_names.setdefault(id(value), (unit, path))


def shared_name(one: object) -> tuple[str, str] | None:
    """(unit, path) of an object that a shared unit defines."""
    return _shared_names.get(id(one))


def shared_dict_name(namespace: dict[str, Any]) -> str | None:
    """Name of the shared unit that `namespace` belongs to."""
    return _shared_dicts.get(id(namespace))


def find_shared(unit: str, path: str) -> Any:
    """The object that `shared_name` named, on this CPU."""
    found: Any = shared_dict(unit)
    for part in path.split("."):
        if isinstance(found, dict):
            found = found[part]
        else:
            found = vars(found)[part]
            if isinstance(found, (staticmethod, classmethod)):
                found = found.__func__
    return found


def is_native(one: Any) -> bool:
    """Whether the host's module of that name holds this very object."""
    known = _by_name.get(id(one))
    if known is not None:
        return known
    module = sys.modules.get(getattr(one, "__module__", None) or "builtins")
    if module is None or module.__name__ == "__main__":
        return False
    found: Any = module
    for part in one.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is not one:
        return False
    # Only what a module holds is remembered: it lives as long as the CPU, so its id is its own.
    _by_name[id(one)] = True
    return True


def native_dict_name(namespace: dict[str, Any]) -> str | None:
    """Name of the host module whose namespace this is."""
    name = namespace.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    return name if module is not None and vars(module) is namespace else None


def native_dict(name: str) -> dict[str, Any]:
    """The namespace of the host's module `name`."""
    __import__(name)
    return vars(sys.modules[name])
