"""The runtime's own library in guest language: `kos/runtime/rtl/*.py`, compiled like a guest, shared by all tasks.

What a guest's operation does in several steps, each of which may suspend (instantiate a class, iterate, build a
class), is written there, so that its frames can be captured as the guest's own can. A captured frame of it has
the module's dict as its globals: `name_of` and `namespace` let a pickler store that by name.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

from kos.compiler import compile_unit, units
from kos.runtime.functions import make_body_function, module_body

_FOLDER = Path(__file__).parent / "rtl"
_PREFIX = "kos.runtime.rtl."

_modules: dict[str, dict[str, Any]] = {}
_makers: dict[tuple[str, str], Callable[..., Any]] = {}


def namespace(name: str) -> dict[str, Any]:
    """The globals of one library module ("calls"), loaded on first use."""
    found = _modules.get(name)
    if found is None:
        found = _modules[name] = load(_FOLDER / f"{name}.py", _PREFIX + name)
    return found


def name_of(globals_: dict[str, Any]) -> str | None:
    """The name of the library module whose globals these are; None for any other dict."""
    name = globals_.get("__name__", "")
    if type(name) is str and name.startswith(_PREFIX):
        short = name[len(_PREFIX) :]
        if _modules.get(short) is globals_:
            return short
    return None


def load(path: Path, module_name: str) -> dict[str, Any]:
    """Compile a library file and run its body, which must not suspend."""
    from kos.runtime import helpers  # needs this module itself

    unit = compile_unit(path.read_text(), str(path), kind="rtl")
    own = dict(vars(builtins))
    helpers.install(own)
    own["$import"] = native_import
    globals_: dict[str, Any] = {"__name__": module_name, "__file__": str(path), "__builtins__": own}
    try:
        module_body(unit.id, globals_).send(None)
    except StopIteration:
        return globals_
    raise RuntimeError(f"{path}: the body of a library module suspended")


def maker(module: str, function: str, raw: bool = False) -> Callable[..., Any]:
    """What makes the bodies of a library function; raw: of a generator function, the bare body."""
    found = _makers.get((module, function))
    if found is None:
        f: FunctionType = namespace(module)[function]
        info = units.by_stub[id(f.__code__)]
        assert info.fast is not None and (raw or info.kind == "function"), f
        found = make_body_function(info, f.__globals__, f.__defaults__, f.__kwdefaults__, f.__closure__)
        _makers[module, function] = found
    return found


def native_import(name: str, globals_: dict[str, Any], fromlist: tuple[str, ...] | None, level: int) -> Any:
    """`$import` where the host's own modules are meant."""
    return __import__(name, globals_, None, fromlist or (), level)
