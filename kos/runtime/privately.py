"""Modules of the host's library executed once more, with other modules in place of those they import."""

from __future__ import annotations

import builtins
import importlib.util
from collections.abc import Iterable
from types import ModuleType
from typing import Any


def source_of(name: str) -> tuple[str, str]:
    """(text, file name) of a module of the host's library that is written in Python."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"the host has no source of {name!r}", name=name)
    with open(spec.origin, encoding="utf-8") as file:
        return file.read(), spec.origin


def private_copy(source: str, name: str, replaced: dict[str, Any], edits: Iterable[tuple[str, str]] = ()) -> ModuleType:
    """The host's module `source` executed under `name`, its imports of replaced modules redirected.

    edits: (old, new) texts; an old one that this version of Python does not have is passed over.
    """
    text, filename = source_of(source)
    for old, new in edits:
        text = text.replace(old, new)

    def import_(wanted: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if wanted in replaced:
            return replaced[wanted]
        return builtins.__import__(wanted, globals, locals, fromlist, level)

    module = ModuleType(name)
    vars(module)["__builtins__"] = {**vars(builtins), "__import__": import_}
    exec(compile(text, filename, "exec"), vars(module))
    return module
