"""What a guest may import, and how each kind of module comes into its world.

* Modules that only compute, and the emulated ones: copies of templates (`templates`, `natives_`, `kos.stdlib`).
* contextlib and functools call guest code back, so they are compiled as guest code themselves, once per CPU.
* Python files and packages beside the program: guest code, compiled and executed in the task's own frames.
* Everything else is an ImportError that says so.

The import itself may execute guest code and so has to be resumable: it is guest code, in `rtl/imports.py`,
which asks the functions of this file for each step.
"""

from __future__ import annotations

import importlib.util
import os.path
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from kos import stdlib
from kos.runtime import builtins_, running, templates
from kos.runtime.world import World, current

#: Where the sources of guests come from: path -> (text, path as tracebacks show it), None if there is no such file.
#: Settable; the machine reads its own file system.
read_file: Callable[[str], tuple[str, str] | None] = lambda path: None  # noqa: E731  # replaced by the machine


def get_or_make(world: World, name: str) -> ModuleType:
    """The world's module of a template, made and entered if it is not there yet."""
    name = stdlib.ALIASES.get(name, name)
    module = world.modules.get(name)
    if module is None:
        module = world.modules[name] = templates.new_module(world, name)
    for alias, real in stdlib.ALIASES.items():
        if real == name:
            world.modules.setdefault(alias, module)
    return module


# --- the steps of an import, called by rtl/imports.py ----------------------------------------


def absolute(name: str, namespace: dict[str, Any] | None, level: int) -> str:
    """The full name that an import statement means: importlib's _resolve_name and _calc___package__."""
    if not isinstance(name, str):
        raise TypeError(f"module name must be str, not {type(name)}")
    if level < 0:
        raise ValueError("level must be >= 0")
    if level == 0:
        if not name:
            raise ValueError("Empty module name")
        return name
    namespace = namespace or {}
    package = namespace.get("__package__")
    if package is None:
        own = namespace.get("__name__")
        if own is None:
            raise KeyError("'__name__' not in globals")
        package = own if "__path__" in namespace else own.rpartition(".")[0]
    if not package:
        raise ImportError("attempted relative import with no known parent package")
    bits = package.rsplit(".", level - 1)
    if len(bits) < level:
        raise ImportError("attempted relative import beyond top-level package")
    return f"{bits[0]}.{name}" if name else str(bits[0])


def loaded(name: str) -> Any:
    """What sys.modules holds under the name, None if nothing. A None put there forbids the import."""
    modules = current().modules
    if name not in modules:
        return None
    if modules[name] is None:
        raise ModuleNotFoundError(f"import of {name} halted; None in sys.modules", name=name)
    return modules[name]


def begin(name: str, parent: Any) -> tuple[Any, str | None]:
    """(module, unit to execute in it) for a module that is not in sys.modules; it is afterwards."""
    world = current()
    if parent is not None and not hasattr(parent, "__path__"):
        raise ModuleNotFoundError(f"No module named {name!r}; {parent.__name__!r} is not a package", name=name)
    real = stdlib.ALIASES.get(name, name)
    if (parent is not None and parent in world.origin) or parent is None:
        if templates.exists(real):
            return get_or_make(world, name), None
    found = _find(name, world.path if parent is None else list(parent.__path__))
    if found is None:
        if parent is not None and parent not in world.origin:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        raise _missing(name)
    text, path, where = found
    module = ModuleType(name)
    values = vars(module)
    values["__builtins__"] = world.modules["builtins"]
    values["__file__"] = path
    values["__package__"] = name if where else name.rpartition(".")[0]
    if where:
        values["__path__"] = [where]
    spec: Any = importlib.util.spec_from_loader(name, None, origin=path, is_package=bool(where))
    spec.has_location = True  # it is a file: repr(module) says so
    spec._initializing = True  # until `finish`: some messages speak of it
    values["__spec__"] = spec
    unit = running.compile_guest(text, path)
    world.modules[name] = module
    return module, unit.id


def _find(name: str, path: list[str]) -> tuple[str, str, str] | None:
    """(text, path, folder if it is a package) of a guest's module."""
    last = name.rpartition(".")[2]
    for folder in path:
        base = os.path.join(folder, last)
        for candidate, where in ((os.path.join(base, "__init__.py"), base), (base + ".py", "")):
            found = read_file(candidate)
            if found is not None:
                return found[0], found[1], where
    return None


def _missing(name: str) -> ImportError:
    top = name.partition(".")[0]
    on_host = top in sys.stdlib_module_names
    if not on_host:
        try:
            on_host = importlib.util.find_spec(top) is not None
        except (ImportError, ValueError, AttributeError):
            on_host = False
    if on_host and not templates.exists(top):
        return ImportError(
            f"module {name!r} is not available to guests of kos (docs/reference/guest-api.md lists those that are)",
            name=name,
        )
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


def failed(name: str) -> None:
    """The module's body raised: it is not imported."""
    current().modules.pop(name, None)


def finish(name: str, parent: Any, child: str) -> Any:
    """The module that the import results in, bound in its package."""
    modules = current().modules
    if name not in modules:
        raise ImportError(f"{name!r} not in sys.modules after its import", name=name)
    module = modules[name]
    spec: Any = getattr(module, "__spec__", None)
    if hasattr(spec, "_initializing"):
        spec._initializing = False
    if parent is not None:
        setattr(parent, child, module)
    return module


def wanted_submodules(module: Any, fromlist: Any) -> list[str]:
    """Full names of what `from package import ...` may have to import: importlib's _handle_fromlist."""
    if not hasattr(module, "__path__"):
        return []
    wanted = []
    for name in fromlist:
        if name == "*":
            wanted += [each for each in getattr(module, "__all__", ()) if not hasattr(module, each)]
        elif not hasattr(module, name):
            wanted.append(name)
    return [f"{module.__name__}.{name}" for name in wanted]


def result(module: Any, name: str, level: int) -> Any:
    """What `import a.b` binds: the first module of the path."""
    if level == 0:
        return current().modules[name.partition(".")[0]]
    if not name:
        return module
    cut = len(name) - len(name.partition(".")[0])
    full = module.__name__
    return current().modules[full[: len(full) - cut]]


def install() -> None:
    """Enter every importable module in the table of templates. Once, before the CPUs start."""
    from kos.runtime import finalizers, hashing, io_, libraries, natives_, sys_, tracebacks_  # noqa: F401  # they enter theirs when imported

    stdlib.install(libraries.load_part)
    templates.add("kos", lambda: {"__name__": "kos", "__package__": "kos", "__path__": [], "__doc__": None})
    libraries.install()
    running.install()
    builtins_.extra.update(stdlib.replaced_builtins())
    io_.see_mapped_memory(builtins_.extra["memoryview"])
