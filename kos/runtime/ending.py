"""The parts of a program's beginning and end that run no guest code of their own: for `rtl/programs.py`."""

from __future__ import annotations

import gc
import os.path
import sys
from types import FunctionType, ModuleType
from typing import Any

from kos.runtime import hooks, importer, pyio, running, templates, tracebacks_, unraisable
from kos.runtime.world import current
from kos.traps import INLINE, Trap


class _Start(Trap):
    __slots__ = ()


#: What a thread's first frame traps with before it is saved.
START = _Start()


def load_main(path: str) -> tuple[str | None, dict[str, Any]]:
    """(unit, namespace) of the module __main__, which is in sys.modules now; no unit where there is no such file."""
    world = current()
    module = ModuleType("__main__")
    values = vars(module)
    values["__annotations__"] = {}
    values["__builtins__"] = world.modules["builtins"]
    if path.startswith(INLINE):
        text, shown = path[len(INLINE) :], "<string>"
    else:
        found = importer.read_file(path)
        if found is None:
            _say(f"{world.executable}: can't open file {path!r}: [Errno 2] No such file or directory\n")
            return None, {}
        text, shown = found
        if not os.path.isabs(shown):
            shown = os.path.join(pyio.calls()["getcwd"](), shown)
        values.update(__file__=shown, __cached__=None)
    folder = shown if path.startswith(INLINE) else templates.namespace("posixpath")["realpath"](shown)
    world.path[0:1] = [os.path.dirname(folder)]
    world.modules["__main__"] = module
    return running.compile_guest(text, shown).id, values


def _say(text: str) -> None:
    stream = getattr(current().sys, "stderr", None)
    if stream is not None:
        stream.write(text)


def exit_status(error: SystemExit) -> int:
    """The status that a SystemExit means; what is no number goes to stderr."""
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return int(code) & 0xFF if -(1 << 63) <= code < 1 << 63 else 255
    try:
        _say(f"{code}\n")
    except Exception:  # CPython ignores a stderr that cannot be written
        return 1
    return 1


def excepthook() -> Any:
    """The world's sys.excepthook; None if it is gone."""
    hook = getattr(current().sys, "excepthook", None)
    if hook is None:
        _say("sys.excepthook is missing\n")
    return hook


def report_broken_hook(again: BaseException, error: BaseException) -> None:
    """sys.excepthook itself raised."""
    try:
        _say("Error in sys.excepthook:\n")
        tracebacks_.print_exception(type(again), again, again.__traceback__)
        _say("\nOriginal exception was:\n")
        tracebacks_.print_exception(type(error), error, error.__traceback__)
    except Exception:  # as with any report on a stderr that cannot be written
        return


def end_begins() -> None:
    """The program is over, atexit's callbacks are next."""
    if sys.version_info[:3] in ((3, 12, 0), (3, 12, 1)):
        current().finalizing = True  # these two forbid forks already here (CPython's issue 113964)


def nr_exit_calls() -> int:
    """How many atexit callbacks there are; what the callbacks themselves register is never called."""
    return len(current().atexit)


def forget_exit_calls() -> None:
    """All atexit callbacks have run, or have been registered too late."""
    current().atexit.clear()


def exit_call(place: int) -> Any:
    """The atexit callback there; None if it is gone, be it by an earlier one."""
    calls = current().atexit
    return calls[place] if place < len(calls) else None


def report_exit_call(function: Any, error: BaseException) -> None:
    """An atexit callback raised, be it SystemExit: said, and ignored."""
    what, one = "Exception ignored in atexit callback", function
    if sys.version_info >= (3, 13):
        what, one = f"{what} {function!r}", None
    unraisable.of_host(unraisable.UnraisableHookArgs(type(error), error, error.__traceback__, what, one))


def flush_streams() -> bool:
    """Flush sys.stdout and sys.stderr; whether stdout could not be, which makes the status 120."""
    failed = False
    streams = current().sys
    for name in ("stdout", "stderr"):
        stream = getattr(streams, name, None)
        if stream is None or getattr(stream, "closed", False):
            continue
        try:
            stream.flush()
        except Exception as error:
            if name == "stdout":
                _say(f"Exception ignored in: {stream!r}\n")
                tracebacks_.print_exception(type(error), error, None)
                failed = True
    return failed


_CODE = (ModuleType, FunctionType, type)


def _has_finalizer(value: object) -> bool:
    return issubclass(type(value), type) and "__del__" in type.__dict__["__dict__"].__get__(value)


def drop_modules() -> None:
    """Let go of what the guest's modules hold: open files are flushed, `__del__` methods run.

    Objects first, then modules, classes and functions: CPython's collector runs finalizers while globals still stand.
    It is asked for what stands in circles where a class of the program has a finalizer.
    """
    world = current()
    world.finalizing = True
    modules = [m for m in world.modules.values() if type(m) is ModuleType and m not in world.origin]
    circles = any(_has_finalizer(value) for module in modules for value in vars(module).values())
    if circles:
        with hooks.dead():
            gc.collect()  # what others have left must not act in this program's name
    for with_code in (False, True):
        for module in modules:
            values = vars(module)
            for name in list(values):
                if name != "__builtins__" and (with_code or not issubclass(type(values.get(name)), _CODE)):
                    values[name] = None
        if circles and not with_code:
            gc.collect()
