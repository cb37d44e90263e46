"""os: what CPython's os.py builds of the calls on paths (Lib/os.py, 3.11), with the functions of the guest's own os.

Resumable: signal handlers may run before any of these returns.
"""

from __future__ import annotations

import errno
import os as _host
import stat as _st
from collections.abc import Callable, Iterator
from typing import Any

from _kos import syscalls as k
from _kos import world

from kos.stdlib import args

__all__ = ["DirEntry", "makedirs", "removedirs", "renames", "scandir", "walk"]


def _os() -> Any:
    return world.current().modules["os"]


def makedirs(name: Any, mode: int = 0o777, exist_ok: bool = False) -> None:
    head, tail = _host.path.split(name)
    if not tail:
        head, tail = _host.path.split(head)
    if head and tail and not _exists(head):
        try:
            makedirs(head, exist_ok=exist_ok)
        except FileExistsError:
            pass  # somebody else made it meanwhile
        here = b"." if isinstance(tail, bytes) else "."
        if tail == here:
            return
    try:
        _os().mkdir(name, mode)
    except OSError:
        if not exist_ok or not _is_dir(name, True):
            raise


def removedirs(name: Any) -> None:
    _os().rmdir(name)
    head, tail = _host.path.split(name)
    if not tail:
        head, tail = _host.path.split(head)
    while head and tail:
        try:
            _os().rmdir(head)
        except OSError:
            break
        head, tail = _host.path.split(head)


def renames(old: Any, new: Any) -> None:
    head, tail = _host.path.split(new)
    if head and tail and not _exists(head):
        makedirs(head)
    _os().rename(old, new)
    head, tail = _host.path.split(old)
    if head and tail:
        try:
            removedirs(head)
        except OSError:
            pass


def _mode(path: Any, follow: bool) -> int:
    """st_mode, 0 for what is not there."""
    try:
        return int(k.stat(_host.fspath(path), follow)[0])
    except (OSError, ValueError):
        return 0


def _exists(path: Any) -> bool:
    return _mode(path, True) != 0


def _is_dir(path: Any, follow: bool) -> bool:
    return _st.S_ISDIR(_mode(path, follow))


class DirEntry:
    """One entry of os.scandir(): `_entry` makes them."""

    name: Any
    path: Any
    _place: Any  #: a path that leads there
    _mode: int
    _ino: int
    _told: dict[bool, _host.stat_result]

    def __init__(self, *_: object) -> None:
        raise TypeError("cannot create 'posix.DirEntry' instances")

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def inode(self) -> int:
        return int(self._ino)

    def _mode_of(self, follow: bool) -> int:
        if not follow or not self.is_symlink():
            return int(self._mode)
        try:
            return self.stat().st_mode
        except FileNotFoundError:
            return 0

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return _st.S_ISDIR(self._mode_of(follow_symlinks))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return _st.S_ISREG(self._mode_of(follow_symlinks))

    def is_symlink(self) -> bool:
        return _st.S_ISLNK(self._mode)

    def stat(self, *, follow_symlinks: bool = True) -> _host.stat_result:
        follow = bool(follow_symlinks) and self.is_symlink()
        if follow not in self._told:
            try:
                self._told[follow] = args.stat_result(k.stat(self._place, follow))
            except OSError as e:
                raise args.named(e, self.path)  # noqa: B904  # the same error
        return self._told[follow]


def _entry(folder: Any, name: Any) -> DirEntry:
    """The entry `name` of a folder: its path, or its descriptor; the entry then knows no path but its name."""
    entry = DirEntry.__new__(DirEntry)
    entry.name = name
    entry.path = name if isinstance(folder, int) else _host.path.join(folder, name)
    entry._place = f"/proc/thread-self/fd/{folder}/{name}" if isinstance(folder, int) else entry.path
    try:
        # As the directory says it, at the time of the scan; the rest is asked for when it is wanted.
        entry._mode, entry._ino = k.stat(entry._place, False)[:2]
    except OSError:
        entry._mode = entry._ino = 0
    entry._told = {}
    return entry


class ScandirIterator:
    """os.scandir()'s iterator: the names are read at once, so nothing is open behind it."""

    def __init__(self, entries: list[DirEntry]) -> None:
        self._left = iter(entries)

    def __iter__(self) -> ScandirIterator:
        return self

    def __next__(self) -> DirEntry:
        return next(self._left)

    def __enter__(self) -> ScandirIterator:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._left = iter(())


def scandir(path: Any = None) -> ScandirIterator:
    folder = "." if path is None or path == -1 else args.path_or_fd(path, "scandir", or_none=True)
    try:
        names: list[Any] = k.listdir(folder)
    except OSError as e:
        raise args.nameless(e) if e.errno == errno.EBADF else args.named(e, path)  # noqa: B904  # as listdir
    as_bytes = isinstance(folder, bytes)
    return ScandirIterator([_entry(folder, _host.fsencode(name) if as_bytes else name) for name in names])


def walk(
    top: Any, topdown: bool = True, onerror: Callable[[OSError], object] | None = None, followlinks: bool = False
) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    top = _host.fspath(top)
    dirs: list[Any] = []
    files: list[Any] = []
    try:
        names = _os().listdir(top)
    except OSError as e:
        if onerror is not None:
            onerror(e)
        return
    for name in names:
        if _is_dir(_host.path.join(top, name), True):
            dirs.append(name)
        else:
            files.append(name)
    if topdown:
        yield top, dirs, files
    for name in dirs:
        below = _host.path.join(top, name)
        if followlinks or not _st.S_ISLNK(_mode(below, False)):
            yield from walk(below, topdown, onerror, followlinks)
    if not topdown:
        yield top, dirs, files
