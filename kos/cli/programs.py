"""Which file a program's name on the command line means."""

from __future__ import annotations

import ast
import os

from kos.cli.values import did_you_mean
from kos.errors import UsageError
from kos.machine.programs import guests_folder, modules


def installed_guests() -> list[tuple[str, str]]:
    """(name, path) of every guest program that ships with kos."""
    return modules(guests_folder())


def find_program(word: str) -> str:
    """Absolute path of the program that `word` names: an installed guest, or the path of a Python file."""
    if "/" not in word and not word.endswith(".py"):
        path = dict(installed_guests()).get(word)
        if path is not None:
            return path
    if os.path.isdir(word):
        raise UsageError(f"{word!r} is a directory, not a program")
    if not os.path.exists(word):
        if os.path.islink(word):
            raise UsageError(f"no program {word!r}: it is a link to {os.readlink(word)!r}, which leads nowhere")
        raise UsageError(f"no program {word!r}{_hint(word)}")
    if not os.path.isfile(word):
        raise UsageError(f"{word!r} is no regular file: save the program to one")
    if not os.access(word, os.R_OK):
        raise UsageError(f"cannot read {word!r}: permission denied")
    try:
        return os.path.abspath(word)
    except OSError as e:
        raise UsageError(f"the current folder is gone, change to one that exists: {e.strerror}") from None


def _hint(word: str) -> str:
    try:
        here = [n for n in os.listdir(".") if n.endswith(".py") and os.path.exists(n)]
    except OSError:
        here = []  # the current folder is gone, or not ours to read
    if f"{word}.py" in here:
        return f", did you mean {word + '.py'!r}?"
    known = [n for n, _ in installed_guests()] + here
    return did_you_mean(word, known) or " (`kos guests` lists those that ship with kos)"


def first_line(path: str) -> str:
    """First line of a module's docstring, without running the module."""
    try:
        with open(path, "rb") as f:
            doc = ast.get_docstring(ast.parse(f.read(), path))
    except (OSError, SyntaxError, ValueError) as e:
        return f"(unreadable: {e})"
    return doc.strip().splitlines()[0] if doc else ""


def check_source(path: str) -> None:
    """Refuse a program that cannot be compiled, with file, line and reason.

    Compiles it as the CPU will, so the compiled form is in the cache when the machine boots.
    """
    from kos.compiler import compile_unit
    from kos.runtime.source import decode

    try:
        with open(path, "rb") as f:
            source = decode(f.read(), path)
        compile_unit(source, path)
    except OSError as e:
        raise UsageError(f"cannot read {path!r}: {e.strerror}") from None
    except SyntaxError as e:
        where = f"{e.filename or path}:{e.lineno or 1}"
        raise UsageError(f"{where}: {type(e).__name__}: {e.msg}") from None
    except (ValueError, RecursionError, MemoryError) as e:
        raise UsageError(f"{path}:1: {type(e).__name__}: {e}") from None
