"""os.path: the functions that ask the file system, over the emulated one. Lib/posixpath.py and genericpath.py, 3.11.

What only computes on strings (join, split, normpath ...) is the host's own code.
"""

from __future__ import annotations

import os as _host
import posixpath as _posixpath
import re as _re
import stat as _st
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
    name = args.path_or_fd(path, "stat")
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


def realpath(filename: Any, *, strict: bool = False) -> Any:
    filename = _host.fspath(filename)
    is_bytes = isinstance(filename, bytes)
    left = [part for part in _host.fsdecode(abspath(b"" if is_bytes else "")).split("/") if part]
    name = _host.fsdecode(filename)
    todo = name.split("/")[::-1]
    done = [] if name.startswith("/") else left
    links = 0
    while todo:
        part = todo.pop()
        if not part or part == ".":
            continue
        if part == "..":
            del done[-1:]
            continue
        here = "/" + "/".join([*done, part])
        try:
            is_link = _st.S_ISLNK(_fields(here, False)[0])
        except OSError:
            if strict:
                raise
            is_link = False
        if not is_link:
            done.append(part)
            continue
        links += 1
        if links > 40:
            if strict:
                _fields(here)  # ELOOP
            done.append(part)
            continue
        target = _host.fsdecode(k.readlink(here))
        if target.startswith("/"):
            done = []
        todo.extend(target.split("/")[::-1])
    real = "/" + "/".join(done)
    return _host.fsencode(real) if is_bytes else real


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
