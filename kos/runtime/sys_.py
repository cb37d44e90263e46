"""The module sys as a guest sees it: facts about the interpreter, and the world's own streams and lists."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from kos.runtime import frameviews, raising, templates, tracebacks_, unraisable
from kos.runtime.world import World, current

#: What is the same for every guest and safe to share.
_FACTS = (
    "abiflags api_version base_exec_prefix base_prefix builtin_module_names byteorder copyright dont_write_bytecode "
    "exec_prefix flags float_info float_repr_style getdefaultencoding getfilesystemencoding "
    "getfilesystemencodeerrors getrefcount getsizeof hash_info hexversion implementation int_info intern "
    "is_finalizing maxsize maxunicode platform platlibdir prefix stdlib_module_names thread_info version "
    "version_info warnoptions get_int_max_str_digits getswitchinterval audit "
    "call_tracing pycache_prefix"
).split()


def getrecursionlimit() -> int:
    """The guest's own limit."""
    return current().recursion_limit


def setrecursionlimit(limit: int, /) -> None:
    """Belongs to the process: it is put in force whenever the task runs."""
    if not isinstance(limit, int):
        raise TypeError(f"{type(limit).__name__!r} object cannot be interpreted as an integer")
    if limit < 1:
        raise ValueError("recursion limit must be greater or equal than 1")
    world = current()
    world.recursion_limit = limit
    world.enter()


def set_int_max_str_digits(maxdigits: int) -> None:
    """Set the maximum string digits limit for non-binary int<->str conversions."""
    sys.set_int_max_str_digits(maxdigits)  # which says what is wrong
    world = current()
    world.int_digits = sys.get_int_max_str_digits()
    world.enter()


def exit_(status: Any = None, /) -> NoReturn:
    """Raise SystemExit(status)."""
    if isinstance(status, tuple) and sys.version_info < (3, 12):
        # Uncaught it is printed. Once it was caught it would be the exception's arguments, but a guest's always is.
        raise SystemExit(status)
    sys.exit(status)


exit_.__name__ = exit_.__qualname__ = "exit"


def excepthook(kind: Any, value: Any, traceback: Any, /) -> None:
    """Print an exception and the guest's part of its traceback to the world's stderr."""
    tracebacks_.print_exception(kind, value, traceback)


def displayhook(value: Any, /) -> None:
    """What an interactive prompt does, and code compiled for one."""
    if value is None:
        return
    builtins = current().builtins
    builtins["_"] = None
    stdout = getattr(current().sys, "stdout", None)
    if stdout is None:
        raise RuntimeError("lost sys.stdout")
    stdout.write(repr(value))
    stdout.write("\n")
    builtins["_"] = value


def _make() -> dict[str, Any]:
    made: dict[str, Any] = {"__name__": "sys", "__doc__": sys.__doc__, "__package__": ""}
    made.update((name, getattr(sys, name)) for name in _FACTS if hasattr(sys, name))
    made.update(
        exit=exit_,
        exc_info=raising.handled,
        exception=raising.handled_exception,
        getrecursionlimit=getrecursionlimit,
        set_int_max_str_digits=set_int_max_str_digits,
        setrecursionlimit=setrecursionlimit,
        excepthook=excepthook,
        __excepthook__=excepthook,
        unraisablehook=unraisable.report,
        __unraisablehook__=unraisable.report,
        displayhook=displayhook,
        __displayhook__=displayhook,
        _getframe=frameviews.getframe,
        meta_path=(),
        path_hooks=(),
    )
    return made


def _bind(world: World) -> dict[str, Any]:
    """new_world has put the streams there already."""
    streams = world.extra.pop("streams", (None, None, None))
    made: dict[str, Any] = {
        "modules": world.modules,
        "argv": world.argv,
        "path": world.path,
        "executable": world.executable,
        "orig_argv": [world.executable, *world.argv],
    }
    for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
        made[name] = made[f"__{name}__"] = stream
    return made


templates.add("sys", _make, _bind)
