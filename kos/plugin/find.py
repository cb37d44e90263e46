"""From a word to a plugin: shipped ones by name, files by path, modules, and what is installed.

    fork_eager            a shipped plugin (package kos_plugins: the top-level folder plugins/)
    ./mine.py             a file; it is run anew each time, so that a notebook sees its latest edit
    mypackage.policies    a module; or the name of an installed plugin's entry point, group "kos"
    no:NAME               do not use that plugin

Whatever goes wrong here is the user's or the plugin author's to fix: UsageError, one line.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

from kos.errors import UsageError, describe

GROUP = "kos"  #: of entry points
SHIPPED = "kos_plugins"
#: Where a plugin was named; a higher number beats a lower one.
DEFAULT, INSTALLED, CONFIG, ENVIRONMENT, GIVEN = range(5)
SOURCES = ("default", "installed", "kos.toml", "KOS_PLUGINS", "given")


@dataclass
class Plugin:
    """One plugin. body: what holds its hooks. level: DEFAULT..GIVEN. origin: what kind of thing, path: its file."""

    name: str
    body: Any
    level: int
    origin: str
    path: str

    def __str__(self) -> str:
        where = "" if self.origin == "shipped" else f" ({self.path or self.origin})"
        return f"plugin {self.name!r}{where}"

    @property
    def is_shipped(self) -> bool:
        return self.origin == "shipped"

    def summary(self) -> str:
        """First line of its docstring."""
        doc = (getattr(self.body, "__doc__", None) or "").strip()
        return doc.splitlines()[0] if doc else ""


def shipped_folder() -> str:
    """The folder of the shipped plugins: installed, or beside the package in a checkout."""
    spec = find_spec(SHIPPED)
    if spec is not None and spec.submodule_search_locations:
        return os.path.abspath(next(iter(spec.submodule_search_locations)))
    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "plugins")
    if not os.path.isdir(beside):
        raise UsageError(f"this installation of kos is incomplete: the package {SHIPPED} is missing")
    package = ModuleType(SHIPPED)
    package.__path__ = [beside]
    sys.modules[SHIPPED] = package
    return beside


def shipped_names() -> list[str]:
    """Every shipped plugin, sorted."""
    names = sorted(os.listdir(shipped_folder()))
    return [n.removesuffix(".py") for n in names if n.endswith(".py") and not n.startswith("_")]


def load_shipped(name: str, level: int = DEFAULT) -> Plugin:
    """A shipped plugin that is known to exist."""
    try:
        body = import_module(f"{SHIPPED}.{name}")
    except ModuleNotFoundError as e:
        if e.name != SHIPPED:
            raise
        shipped_folder()  # a checkout that is not installed
        body = import_module(f"{SHIPPED}.{name}")
    return Plugin(name, body, level, "shipped", body.__file__ or "")


def find(word: object, level: int) -> Plugin:
    """The plugin that a word of the user means; or an object that is one (Python API)."""
    if not isinstance(word, str):
        return _from_object(word, level)
    if "/" in word or word.endswith(".py"):
        return _from_path(word, level)
    if word.isidentifier() and os.path.isfile(os.path.join(shipped_folder(), f"{word}.py")):
        return load_shipped(word, level)
    for entry in _entry_points():
        if entry.name == word:
            return _from_entry(entry, level)
    try:
        known = find_spec(word) is not None
    except (ImportError, ValueError, AttributeError):
        known = False
    if not known:
        raise UsageError(f"no plugin {word!r}{_did_you_mean(word)}")
    body = _guarded(word, lambda: import_module(word))
    return Plugin(word.rpartition(".")[2], body, level, "module", getattr(body, "__file__", None) or "")


def installed(blocked: set[str]) -> list[Plugin]:
    """Plugins of installed distributions, but for those that are blocked by name."""
    if not _any_installed():
        return []
    return [_from_entry(e, INSTALLED) for e in _entry_points() if e.name not in blocked]


def _from_object(body: object, level: int) -> Plugin:
    """A module, an object with hooks as methods, or a single hook function."""
    if isinstance(body, FunctionType):
        body = SimpleNamespace(**{body.__name__: body, "__doc__": body.__doc__, "__name__": body.__name__})
    if not any(n.startswith("kos_") for n in dir(body)):
        raise UsageError(f"{body!r} is no plugin: it has no function whose name begins with kos_")
    name = getattr(body, "__name__", None) or getattr(body, "name", None) or type(body).__name__
    name = str(name).rpartition(".")[2]
    return Plugin(name, body, level, "object", getattr(body, "__file__", None) or "")


def _from_path(word: str, level: int) -> Plugin:
    path = os.path.abspath(os.path.expanduser(word))
    if not os.path.isfile(path):
        raise UsageError(f"no plugin {word!r}: there is no such file{_did_you_mean(os.path.basename(word)[:-3])}")
    name = os.path.basename(path).removesuffix(".py")
    module_name = f"kos_plugin_file_{name}"

    def run() -> ModuleType:
        spec = spec_from_file_location(module_name, path)
        if spec is None or spec.loader is None:
            raise ImportError("not a Python file (its name must end with .py)")
        module = module_from_spec(spec)
        sys.modules[module_name] = module  # dataclasses and type hints look their module up
        spec.loader.exec_module(module)
        return module

    return Plugin(name, _guarded(word, run, path), level, "file", path)


def _guarded(word: str, run: Any, path: str = "") -> Any:
    """Run a plugin's module; what it raises becomes one line that says where."""
    try:
        return run()
    except SyntaxError as e:
        raise UsageError(
            f"plugin {word!r} cannot be loaded: {e.filename}:{e.lineno or 1}: SyntaxError: {e.msg}"
        ) from None
    except KeyboardInterrupt:
        raise
    except BaseException as e:
        where = ""
        for frame in traceback.extract_tb(e.__traceback__):
            if frame.filename == path if path else not _is_import(frame.filename):
                where = f"{frame.filename}:{frame.lineno}: "
        raise UsageError(f"plugin {word!r} cannot be loaded: {where}{describe(e)}") from e


def _is_import(filename: str) -> bool:
    """Is it Python's own machinery of importing, or ours?"""
    return filename.startswith("<frozen") or f"{os.sep}importlib{os.sep}" in filename or filename == __file__


def _any_installed() -> bool:
    """Does any distribution on sys.path declare plugins? importlib.metadata alone would cost 30 ms of every start."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                try:
                    with open(os.path.join(folder, name, "entry_points.txt"), "rb") as f:
                        if f"[{GROUP}]".encode() in f.read():
                            return True
                except OSError:
                    continue
    return False


def _entry_points() -> Iterator[Any]:
    if not _any_installed():
        return
    from importlib.metadata import entry_points

    yield from entry_points(group=GROUP)


def _from_entry(entry: Any, level: int) -> Plugin:
    try:
        body = _guarded(entry.name, entry.load)
    except UsageError as e:
        owner = f"; it is installed with {entry.dist.name}" if entry.dist is not None else ""
        raise UsageError(f"{e}{owner}: -p no:{entry.name} does without it") from None
    where = getattr(body, "__file__", None) or entry.value
    origin = f"installed with {entry.dist.name}" if entry.dist is not None else "installed"
    return Plugin(entry.name, body, level, origin, where)


def _did_you_mean(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, shipped_names(), n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else " (`kos plugins` lists those that ship with kos)"
