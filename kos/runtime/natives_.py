"""The modules that only compute: native code, presented to each world as a module of its own.

Most are plain copies of the host module's namespace. Where a module keeps state of its own
(the generator behind `random`'s functions, the current context of `decimal`), the state is the world's.
"""

from __future__ import annotations

import atexit
import dataclasses
import decimal
import enum
import importlib
import importlib.util
import random
import sys
import typing
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from kos.runtime import libraries, templates
from kos.runtime.freeze import static
from kos.runtime.freeze.instances import is_python_class
from kos.runtime.guestgen import GuestGen
from kos.runtime.world import World, current

_PLAIN = (
    "__future__ _weakref abc array base64 binascii bisect cmath collections collections.abc copy dataclasses datetime "
    "enum errno fractions heapq itertools json json.decoder json.encoder math numbers operator re stat "
    "statistics string struct textwrap typing weakref zlib"
).split()
#: What C code imports as it is called, with the `__import__` of the guest that calls: datetime, int, str, codecs.
_PLAIN += [name for name in ("_strptime", "_pylong", "unicodedata") if importlib.util.find_spec(name)]


def _copy_of(name: str) -> Callable[[], dict[str, Any]]:
    def make() -> dict[str, Any]:
        made = dict(vars(importlib.import_module(name)))
        made.pop("__builtins__", None)
        return made

    return make


def _types() -> dict[str, Any]:
    made = _copy_of("types")()
    made["GeneratorType"] = GuestGen
    return made


# --- random --------------------------------------------------------------------------------


def _bind_random(world: World) -> dict[str, Any]:
    """The module's functions are methods of one generator: here the world's."""
    if world.random is None:
        world.random = random.Random()
    inner = random._inst  # the module's own generator
    made: dict[str, Any] = {"_inst": world.random}
    for name, value in vars(random).items():
        if getattr(value, "__self__", None) is inner:
            made[name] = getattr(world.random, name)
    return made


# --- decimal -------------------------------------------------------------------------------


class LocalContext:
    """decimal.localcontext(), which in C cannot be copied while it is open."""

    def __init__(self, context: decimal.Context) -> None:
        self.new_context = context.copy()

    def __enter__(self) -> decimal.Context:
        self.saved_context = decimal.getcontext()
        decimal.setcontext(self.new_context)
        return self.new_context

    def __exit__(self, *exc: object) -> None:
        decimal.setcontext(self.saved_context)


def localcontext(ctx: decimal.Context | None = None, **kwargs: Any) -> LocalContext:
    """A context manager that works on a copy of the context."""
    manager = LocalContext(decimal.getcontext() if ctx is None else ctx)
    for name, value in kwargs.items():
        if name not in ("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"):
            raise TypeError(f"{name!r} is an invalid keyword argument for this function")
        setattr(manager.new_context, name, value)
    return manager


def _decimal() -> dict[str, Any]:
    return {**_copy_of("decimal")(), "localcontext": localcontext}


def _bind_decimal(world: World) -> dict[str, Any]:
    if world.decimal is None:
        world.decimal = decimal.Context()
        if world is current():
            decimal.setcontext(world.decimal)
    return {}


# --- struct --------------------------------------------------------------------------------


def _struct() -> dict[str, Any]:
    from kos.stdlib import struct_  # it reads simulated memory, and needs a machine

    return {**_copy_of("struct")(), "pack_into": struct_.pack_into, "unpack_from": struct_.unpack_from}


# --- atexit --------------------------------------------------------------------------------


def register(func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Have func called at the end of the process, the last one registered first."""
    if not callable(func):
        raise TypeError("the first argument must be callable")
    current().atexit.append((func, args, kwargs))
    return func


def unregister(func: Callable[..., Any], /) -> None:
    """Forget all calls of func."""
    calls = current().atexit
    calls[:] = [None if call is not None and call[0] == func else call for call in calls]


def _clear() -> None:
    current().atexit.clear()


def _ncallbacks() -> int:
    return len(current().atexit)


def _atexit() -> dict[str, Any]:
    return {
        "__name__": "atexit",
        "__doc__": atexit.__doc__,
        "__package__": "",
        "register": register,
        "unregister": unregister,
        "_clear": _clear,
        "_ncallbacks": _ncallbacks,
        "_run_exitfuncs": libraries.load_rtl("programs")["_run_exitfuncs"],
    }


def _sentinels() -> Iterator[Any]:
    """Objects of native modules that are compared by identity: dataclasses.MISSING, typing.Any, enum's members."""
    for name in (*_PLAIN, "types", "decimal"):
        for value in vars(importlib.import_module(name)).values():
            if not isinstance(value, (type, FunctionType, ModuleType)) and is_python_class(type(value)):
                yield value


class _WorldModules:
    """sys.modules as dataclasses and typing read it: a class's module is the guest's, where the world has one."""

    def _find(self, name: str) -> Any:
        world = current()
        found = world.modules.get(name)
        return found if found is not None and found not in world.origin else None

    def get(self, name: str, default: Any = None) -> Any:
        return self._find(name) or sys.modules.get(name, default)

    def __getitem__(self, name: str) -> Any:
        return self._find(name) or sys.modules[name]

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None or name in sys.modules


class _Sys:
    """The host's sys, but for its modules."""

    modules = _WorldModules()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


def _exec(text: str, globals_: dict[str, Any], namespace: dict[str, Any]) -> None:
    """exec as dataclasses uses it. An `__init__` that calls methods of the guest's class is guest code itself."""
    calls_back = "__post_init__(" in text or "() if " in text
    if not calls_back or not hasattr(globals_.get("__builtins__"), "$enter"):
        exec(text, globals_, namespace)
        return
    from kos.runtime.running import define  # needs the libraries, which need this module's templates

    define(text, globals_, namespace, "__create_fn__")


vars(dataclasses)["exec"] = _exec
# Annotations that are text are evaluated in the module of their class; enum looks at that for new members.
for _module in (dataclasses, enum, typing):
    vars(_module)["sys"] = _Sys()
for _name in _PLAIN:
    templates.add(_name, _copy_of(_name))
templates.add("types", _types)
templates.add("random", _copy_of("random"), _bind_random)
templates.add("decimal", _decimal, _bind_decimal)
templates.add("struct", _struct)
templates.add("atexit", _atexit)
static.register(_sentinels())
static.register((LocalContext, localcontext, register, unregister, decimal.Decimal, decimal.getcontext))
