"""A guest's module `builtins`: the host's, with what reaches outside replaced.

print, input and open work on the world's own streams; imports, exec, eval and compile go
through the guest compiler; the helpers that compiled code calls stand beside them, under
names that no program can spell.
"""

from __future__ import annotations

import builtins
import io
import sys
from types import ModuleType
from typing import Any

from kos.runtime import helpers, hooks, templates
from kos.runtime.identity import id_
from kos.runtime.world import World, current

_OMITTED = frozenset({"copyright", "credits", "license", "help", "exit", "quit", "_", "__loader__", "__spec__"})

#: Types whose str() runs no guest code, so print may gather them into one write.
_ATOMS = frozenset({str, int, float, bool, type(None), bytes, complex})


def print_(
    *args: Any, sep: str | None = None, end: str | None = None, file: Any = None, flush: bool = False, **unknown: Any
) -> None:
    """print, to the world's sys.stdout if no file is given."""
    if unknown:
        name = next(iter(unknown))
        if sys.version_info >= (3, 13):
            raise TypeError(f"print() got an unexpected keyword argument {name!r}")
        raise TypeError(f"{name!r} is an invalid keyword argument for print()")
    if hooks.DEAD[0]:
        return  # a weak reference's callback, as a dead task's objects are dropped
    if file is None:
        file = getattr(current().sys, "stdout", _MISSING)
        if file is _MISSING:
            raise RuntimeError("lost sys.stdout")
        if file is None:
            return
    if sep is None:
        sep = " "
    elif not isinstance(sep, str):
        raise TypeError(f"sep must be None or a string, not {type(sep).__name__}")
    if end is None:
        end = "\n"
    elif not isinstance(end, str):
        raise TypeError(f"end must be None or a string, not {type(end).__name__}")
    write = file.write
    if type(file) is not text_file[0]:
        # Somebody's own file object sees the pieces one by one, as print gives them.
        for n, arg in enumerate(args):
            if n:
                write(sep)
            write(str(arg))
        write(end)
    else:
        pieces: list[str] = []
        for arg in args:
            if pieces:
                pieces.append(sep)
            if type(arg) not in _ATOMS:
                # Its str() may print itself, or fail: what came before is out by then.
                if pieces:
                    write("".join(pieces))
                pieces = [str(arg)]
            else:
                pieces.append(str(arg))
        pieces.append(end)
        write("".join(pieces))
    if flush:
        file.flush()


_MISSING = object()
#: The class of the guest's text files; io_ sets it.
text_file: list[type] = [io.TextIOWrapper]


def input_(prompt: Any = "", /) -> str:
    """input, from the world's sys.stdin."""
    module = current().sys
    streams: dict[str, Any] = {}
    for name in ("stdin", "stdout", "stderr"):
        streams[name] = getattr(module, name, None)
        if streams[name] is None:
            raise RuntimeError(f"input(): lost sys.{name}")
    streams["stderr"].flush()
    text = str(prompt)
    if text:
        streams["stdout"].write(text)
    streams["stdout"].flush()
    line = streams["stdin"].readline()
    if not isinstance(line, str):
        raise TypeError("object.readline() returned non-string")
    if not line:
        raise EOFError("EOF when reading a line")
    return line.removesuffix("\n")


class Quitter:
    """exit and quit, as site makes them."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Use {self.name}() or Ctrl-D (i.e. EOF) to exit"

    def __call__(self, code: Any = None) -> None:
        raise SystemExit(code)


def breakpoint_(*args: Any, **kwargs: Any) -> None:
    """There is no terminal to debug at."""
    raise RuntimeError("breakpoint() is not available to a guest program")


def _make() -> dict[str, Any]:
    made = {name: value for name, value in vars(builtins).items() if name not in _OMITTED}
    made.update(print=print_, input=input_, breakpoint=breakpoint_, exit=Quitter("exit"), quit=Quitter("quit"), id=id_)
    for name in ("print", "input", "breakpoint", "id"):
        made[name].__name__ = made[name].__qualname__ = name
    made.update(extra)
    return made


#: What other files of the runtime put into every guest's builtins: open, __import__, exec, eval, compile.
extra: dict[str, Any] = {}


#: Helpers of compiled code that are not the compiler's own; set in every world's builtins.
hidden: dict[str, Any] = {}


def attach(world: World, modules: list[ModuleType]) -> None:
    """Let the world's builtins, and those of its own modules, be its module `builtins`."""
    own = next(module for module in modules if world.origin.get(module) == "builtins")
    world.builtins = vars(own)
    # Afresh for each world: one of them caches what the world calls, and must not outlive it.
    helpers.install(world.builtins)
    world.builtins.update(hidden)
    for module in modules:
        if module not in world.origin:
            vars(module)["__builtins__"] = own


templates.add("builtins", _make)
