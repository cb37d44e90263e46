"""Programs and threads at their beginning: a fresh world, and frames that stand at the first line."""

from __future__ import annotations

import os.path
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from kos.runtime import builtins_, ending, frames, importer, io_, libraries, templates
from kos.runtime.frames import Body, Frame
from kos.runtime.functions import make_body_function
from kos.runtime.world import World
from kos.traps import INLINE


def new_world(argv: Sequence[str], environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> World:
    """The world of a program that has not run yet: no system call is made for it.

    flags: "unbuffered" (python -u), "tty" (which of the descriptors 0, 1, 2 are terminals), "closed" (which of them are
    not open: that stream is None), "block_bytes" (st_blksize of the three).
    """
    world = World()
    world.flags = dict(flags or {})
    world.argv = list(argv)
    world.environ = dict(environ)
    world.executable = sys.executable
    world.path = [os.path.dirname(argv[0])] if argv else []
    builtins_.attach(world, [importer.get_or_make(world, "builtins")])
    buffered = not (world.flags.get("unbuffered") or world.environ.get("PYTHONUNBUFFERED"))
    tty: Sequence[int] = world.flags.get("tty", ())
    closed: Sequence[int] = world.flags.get("closed", ())
    errors = _stream_errors(world.environ)
    world.extra["streams"] = tuple(
        None
        if fd in closed
        else io_.standard_stream(
            world,
            fd,
            is_tty=fd in tty,
            buffered=buffered,
            block_bytes=world.flags.get("block_bytes", 4096),
            errors=errors,
        )
        for fd in range(3)
    )
    world.sys = importer.get_or_make(world, "sys")
    return world


#: Locales under which the standard streams pass on bytes that are no UTF-8: C, and what CPython makes of it.
_C_LOCALES = ("C", "POSIX", "C.UTF-8", "C.utf8", "UTF-8")


def _stream_errors(environ: Mapping[str, str]) -> str:
    """What stdin and stdout do with what cannot be encoded; config_init_stdio_encoding() in Python/initconfig.c."""
    encoding, _, errors = environ.get("PYTHONIOENCODING", "").partition(":")
    if encoding or errors:
        return errors or "strict"
    named = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "C")
    return "surrogateescape" if named in _C_LOCALES or environ.get("PYTHONUTF8") == "1" else "strict"


def start(
    path: str, argv: Sequence[Any], environ: Mapping[Any, Any] | None, flags: Mapping[str, Any] | None = None
) -> tuple[Body, World]:
    """(body, world): the program at its start, as exec leaves it. The first send(None) runs it."""
    words = [os.fsdecode(word) for word in argv]
    # sys.argv[0] is the path that was executed, whatever name the caller gave the program.
    shown = "-c" if path.startswith(INLINE) else path
    world = new_world([shown, *words[1:]], {os.fsdecode(k): os.fsdecode(v) for k, v in (environ or {}).items()}, flags)
    return _body("main", (path,)), world


def _body(name: str, args: tuple[Any, ...]) -> Body:
    """A body of a function of rtl/programs.py."""
    from kos.compiler import units

    function = libraries.load_rtl("programs")[name]
    info = units.info_of_code(function.__code__)
    assert info is not None
    body: Body = make_body_function(info, function.__globals__, None, None, None)(*args)
    return body


def thread_frames(fn: Any, args: tuple[Any, ...]) -> list[Frame]:
    """Frames of a task that goes on by calling fn(*args), which shall end the task itself."""
    body = _body("thread", (fn, args))
    first = body.send(None)
    assert first is ending.START, first
    return frames.capture(body)


def install() -> None:
    """Prepare everything that the CPUs inherit from their parent: before they are forked, with `_kos` provided."""
    importer.install()
    for name in templates.names():
        templates.namespace(name)
    for part in ("imports", "programs", "code"):
        libraries.load_rtl(part)
