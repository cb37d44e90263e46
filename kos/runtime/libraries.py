"""Code that all guests of a CPU share: the runtime's own guest code, emulated modules, contextlib and functools.

Each is compiled and executed once per CPU, over a namespace of its own. Its functions and classes travel by
name; it keeps no state. What it needs of the task that it works for, it finds through the current world.
"""

from __future__ import annotations

import ast
import builtins
import functools
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kos
from kos import compiler
from kos.runtime import builtins_, helpers, library, templates
from kos.runtime.freeze import reference, static
from kos.runtime.freeze.pickler import add_type
from kos.runtime.functions import module_body
from kos.runtime.privately import source_of
from kos.runtime.pyio import NoLock
from kos.runtime.sync import sync
from kos.runtime.world import current

Namespace = dict[str, Any]
_STDLIB = Path(kos.__file__).parent / "stdlib"
_loaded: dict[str, Namespace] = {}

#: Modules that the runtime's own guest code can import by name; the machine puts `_kos` here before any is loaded.
#: Its imports are native, so this is where the host looks.
provided: dict[str, Any] = sys.modules


def _statement(function: Any) -> Any:
    """`__import__` with the arguments that a compiled import statement gives."""
    return lambda name, globals, fromlist, level: function(name, globals, None, fromlist, level)


def load(name: str) -> Namespace:
    """Globals of shared unit `name`: "stdlib:part", "rtl:part" or "lib:module"."""
    known = _loaded.get(name)
    if known is not None:
        return known
    kind, _, part = name.partition(":")
    if kind == "lib":
        return _load_library(part)
    if kind == "rtl":
        values = library.namespace(part)
    else:
        values = library.load(_STDLIB / f"{part}.py", f"kos.stdlib.{part}")
    _loaded[name] = values
    reference.note_shared(name, values)
    return values


def load_part(part: str) -> Namespace:
    """Globals of a resumable part of the emulated modules."""
    return load("stdlib:" + part)


def load_rtl(part: str) -> Namespace:
    """Globals of a file of kos/runtime/rtl."""
    return load("rtl:" + part)


# --- libraries of the host that are compiled as guest code -------------------------------------

LIBRARIES = ("functools", "contextlib")


class WorldModule:
    """A module as shared code sees it: the current world's own one."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module(), name, value)

    def _module(self) -> Any:
        world = current()
        module = world.modules.get(self._name)
        if module is None:
            from kos.runtime.importer import get_or_make

            module = get_or_make(world, self._name)
        return module


_world_modules = {name: WorldModule(name) for name in ("sys", "os")}


def _library_import(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    if name in _world_modules:
        return _world_modules[name]
    if name in (*LIBRARIES, "_thread", "_functools", "types"):
        return _module_view(name)
    return builtins.__import__(name, globals, locals, fromlist, level)


class ModuleView(SimpleNamespace):
    """A module's names as attributes; shared code that keeps it in a variable has it copied by name."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (_module_view, (self.module_view_name,))


@functools.cache
def _module_view(name: str) -> ModuleView:
    names: Namespace
    if name == "_thread":
        names = {"RLock": NoLock, "allocate_lock": NoLock, "get_ident": lambda: 0}
    elif name == "_functools":
        # Only what calls no guest code in a way that has to be resumable: the rest is taken in Python.
        names = {"__name__": "_functools", "cmp_to_key": functools.cmp_to_key}
    elif name == "types":
        names = templates.namespace("types")
    else:
        names = {k: v for k, v in load("lib:" + name).items() if not k.startswith("__")}
    return ModuleView(**names, module_view_name=name)


def without_async(text: str) -> str:
    """The source with its coroutines, which guests cannot have, replaced by `pass`; lines keep their numbers."""
    if "async def" not in text:
        return text  # parsing a large library takes 10 ms of every boot
    lines = text.split("\n")
    nodes: list[ast.AST] = [ast.parse(text)]
    for node in nodes:  # statements only, as the list grows
        nodes += (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
        if isinstance(node, ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            assert node.end_lineno is not None
            lines[first - 1 : node.end_lineno] = [" " * node.col_offset + "pass"] + [""] * (node.end_lineno - first)
    return "\n".join(lines)


#: (old, new): partial() looks at what it is given by its type, as in C; the key of a lru_cache keeps its hash, which
#: may rest on ids that are others after a fork.
_EDITS = (
    ('        if hasattr(func, "func"):\n', "        if isinstance(func, partial):\n"),
    ("class _HashedSeq(list):", "class _HashedSeq(tuple):"),
    ("    __slots__ = 'hashvalue'\n", "    __slots__ = ()\n"),
    ("    def __init__(self, tup, hash=hash):\n", "\n"),
    ("        self[:] = tup\n", "\n"),
    ("        self.hashvalue = hash(tup)\n", "\n"),
    ("    def __hash__(self):\n        return self.hashvalue\n", "    __hash__ = tuple.__hash__\n\n"),
)


def _load_library(module: str) -> Namespace:
    text, path = source_of(module)
    for old, new in _EDITS:
        text = text.replace(old, new)
    values: Namespace = {"__name__": module, "__file__": path, "__builtins__": _library_builtins()}
    unit = compiler.compile_unit(without_async(text), path, kind="guest")
    _loaded["lib:" + module] = values  # first: an import in a circle finds what there is
    sync(module_body(unit.id, values))
    reference.note_shared("lib:" + module, values)
    return values


@functools.cache
def _library_builtins() -> Namespace:
    made = dict(vars(builtins))
    made.update(builtins_.extra)
    helpers.install(made)
    made["__import__"], made["$import"] = _library_import, _statement(_library_import)
    return made


def _template(module: str) -> Namespace:
    return {name: value for name, value in load("lib:" + module).items() if name != "__builtins__"}


def _importlib() -> Namespace:
    return {
        "__name__": "importlib",
        "__package__": "importlib",
        "__doc__": None,
        "__path__": [],
        "import_module": load_rtl("imports")["import_module"],
    }


def install() -> None:
    """Enter contextlib, functools and importlib in the table of templates, and `__import__` in the builtins."""
    for name in LIBRARIES:
        templates.add(name, functools.partial(_template, name))
    imports = load_rtl("imports")
    builtins_.extra["__import__"] = imports["__import__"]
    builtins_.hidden["$import"] = imports["import_statement"]
    templates.add("importlib", _importlib)


reference.set_shared_loader(load)
static.register((NoLock, _module_view))
add_type(ModuleView, lambda freezer, one: one.__reduce__())
