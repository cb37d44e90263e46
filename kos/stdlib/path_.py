"""os.path: the functions that ask the file system, over the emulated one. Lib/posixpath.py and genericpath.py, 3.11.

What only computes on strings (join, split, normpath ...) is the host's own code.
"""

from __future__ import annotations

import os as _host
import posixpath as _posixpath
import re as _re
import stat as _st
import sys as _sys
from typing import Any

from _kos import syscalls as k
from _kos import world

from kos.stdlib import args

__all__ = [
    "abspath", "exists", "expanduser", "expandvars", "getatime", "getctime", "getmtime", "getsize", "isdir", "isfile",
    "islink", "ismount", "lexists", "realpath", "relpath", "samefile", "sameopenfile",
]  # fmt: skip


def _fields(path: Any, follow: bool = True) -> Any:
    """The kernel's stat, errors with the guest's name."""
    name = args.path_or_fd(path, "stat") if follow else args.path(path, "lstat")
    try:
        return k.fstat(name) if isinstance(name, int) else k.stat(name, follow)
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def exists(path: Any) -> bool:
    try:
        _fields(path)
    except (OSError, ValueError):
        return False
    return True


def lexists(path: Any) -> bool:
    try:
        _fields(path, False)
    except (OSError, ValueError):
        return False
    return True


def isfile(path: Any) -> bool:
    try:
        return _st.S_ISREG(_fields(path)[0])
    except (OSError, ValueError):
        return False


def isdir(s: Any) -> bool:
    try:
        return _st.S_ISDIR(_fields(s)[0])
    except (OSError, ValueError):
        return False


def islink(path: Any) -> bool:
    try:
        return _st.S_ISLNK(_fields(path, False)[0])
    except (OSError, ValueError):
        return False


def ismount(path: Any) -> bool:
    try:
        here = _fields(path, False)
        path = _host.fspath(path)
        above = _fields(_posixpath.join(path, b".." if isinstance(path, bytes) else ".."), False)
    except (OSError, ValueError):
        return False
    if _st.S_ISLNK(here[0]):
        return False
    return bool(here[2] != above[2] or here[1] == above[1])


def getsize(filename: Any) -> int:
    return int(_fields(filename)[6])


def getatime(filename: Any) -> float:
    return float(_fields(filename)[7] / args.NS)


def getmtime(filename: Any) -> float:
    return float(_fields(filename)[8] / args.NS)


def getctime(filename: Any) -> float:
    return float(_fields(filename)[9] / args.NS)


def samefile(f1: Any, f2: Any) -> bool:
    a, b = _fields(f1), _fields(f2)
    return bool(a[1] == b[1] and a[2] == b[2])


def sameopenfile(fp1: int, fp2: int) -> bool:
    a, b = k.fstat(args.c_int(fp1)), k.fstat(args.c_int(fp2))
    return bool(a[1] == b[1] and a[2] == b[2])


def abspath(path: Any) -> Any:
    path = _host.fspath(path)
    if not _posixpath.isabs(path):
        cwd = k.getcwd()
        path = _posixpath.join(_host.fsencode(cwd) if isinstance(path, bytes) else _host.fsdecode(cwd), path)
    return _posixpath.normpath(path)


def relpath(path: Any, start: Any = None) -> Any:
    if not path:
        raise ValueError("no path specified")
    path = _host.fspath(path)
    is_bytes = isinstance(path, bytes)
    start = (b"." if is_bytes else ".") if start is None else _host.fspath(start)
    # Both absolute now: the host's function no longer asks where it is.
    return _posixpath.relpath(abspath(path), abspath(start))


_STARTS_WITH_CWD = _sys.version_info >= (3, 13)  #: what is relative is made absolute first, and so in errors


def realpath(filename: Any, *, strict: bool = False) -> Any:
    filename = _host.fspath(filename)
    start = _host.fsdecode(k.getcwd()) if _STARTS_WITH_CWD else ""
    path, _ = _follow(start, _host.fsdecode(filename), strict, {})
    path = abspath(path)
    return _host.fsencode(path) if isinstance(filename, bytes) else path


def _follow(path: str, name: str, strict: bool, seen: dict[str, str | None]) -> tuple[str, bool]:
    """Where `name` leads from the real path `path`, and whether there was no loop of links on the way.

    seen: link -> where it leads, None while it is being followed. With path "" what is relative stays so, errors too.
    """
    if name.startswith("/"):
        path = "/"
    for part, rest in _parts(name):
        if part == "..":
            above, last = _posixpath.split(path)
            path = ".." if not path else _posixpath.join(above, "..", "..") if last == ".." else above
            continue
        here = _posixpath.join(path, part)
        try:
            is_link = _st.S_ISLNK(_fields(here, False)[0])
        except OSError:
            if strict:
                raise
            is_link = False
        if not is_link:
            path = here
            continue
        known = seen.get(here)
        if known is None:
            if here in seen:
                if strict:
                    _fields(here)  # ELOOP
                return _posixpath.join(here, rest), False
            seen[here] = None
            known, is_whole = _follow(path, _host.fsdecode(k.readlink(here)), strict, seen)
            if not is_whole:
                return _posixpath.join(known, rest), False
            seen[here] = known
        path = known
    return path, True


def _parts(path: str) -> list[tuple[str, str]]:
    """Each part of a path that leads somewhere, and what stands behind it."""
    found = []
    rest = path
    while rest:
        part, _, rest = rest.partition("/")
        if part and part != ".":
            found.append((part, rest))
    return found


def expanduser(path: Any) -> Any:
    path = _host.fspath(path)
    text = _host.fsdecode(path)
    home = world.current().environ.get("HOME")
    if home is None or not (text == "~" or text.startswith("~/")):
        return path
    out = (home.rstrip("/") + text[1:]) or "/"
    return _host.fsencode(out) if isinstance(path, bytes) else out


_VARIABLE = _re.compile(r"\$(\w+|\{[^}]*\})", _re.ASCII)


def expandvars(path: Any) -> Any:
    path = _host.fspath(path)
    text = _host.fsdecode(path)
    environ = world.current().extra["os.environ"]
    out: list[str] = []
    at = 0
    while found := _VARIABLE.search(text, at):
        name = found.group(1)
        value = environ.get(name[1:-1] if name.startswith("{") else name)
        out.append(text[at : found.start()])
        out.append(found.group(0) if value is None else value)
        at = found.end()
    out.append(text[at:])
    joined = "".join(out)
    return _host.fsencode(joined) if isinstance(path, bytes) else joined
