"""Modules of the host's library executed once more, with other modules in place of those they import."""

from __future__ import annotations

import builtins
import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from types import CodeType, ModuleType
from typing import Any

from kos.compiler import cache


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
    exec(_code_of(text, filename), vars(module))
    return module


def _code_of(text: str, filename: str) -> CodeType:
    """The compiled text; kept on disk as guests' code is: 33 ms for the two that every boot needs."""
    digest = hashlib.sha256(f"{sys.version}\0{filename}\0{text}".encode()).hexdigest()
    key = f"host-{digest[:32]}"
    code = cache.load(key)
    if not isinstance(code, CodeType):
        code = compile(text, filename, "exec")
        cache.store(key, code)
    return code
