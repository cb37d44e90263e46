"""os: calls on paths. What CPython's os.py builds of them: os_walk.py.

Resumable: signal handlers may run before any of these returns.
"""

from __future__ import annotations

import errno
import os as _host
import stat as _st
import sys as _host_sys
from typing import Any

from _kos import syscalls as k

from kos.stdlib import args

__all__ = [
    "access", "chdir", "chmod", "chown", "fchdir", "fchown", "fstatvfs", "getcwd", "getcwdb",
    "lchown", "link", "listdir", "lstat", "mkdir", "mkfifo", "readlink", "remove", "rename", "replace", "rmdir", "stat",
    "statvfs", "symlink", "truncate", "umask", "unlink", "utime",
]  # fmt: skip


_F_GETFD, _AT_FDCWD = 1, -100
_UTIME_NAMES = _host_sys.version_info >= (3, 13)  #: utime's error names the file
_OPEN = "/proc/thread-self/fd/"  #: what is open, by its descriptor


def _at(name: Any, dir_fd: Any) -> Any:
    """A name as it is seen from an open folder (the *at() calls): by way of the descriptor's own link."""
    if dir_fd is None:
        return name
    fd = args.dir_fd(dir_fd)
    if fd == _AT_FDCWD or not name or name[:1] in ("/", b"/"):
        return name
    k.fcntl(fd, _F_GETFD, 0)  # EBADF
    above = f"{_OPEN}{fd}/"
    return above.encode() + name if isinstance(name, bytes) else above + name


def stat(path: Any, *, dir_fd: Any = None, follow_symlinks: bool = True) -> _host.stat_result:
    name = args.path_or_fd(path, "stat")
    try:
        if isinstance(name, int):
            args.no_dir_fd("stat", dir_fd)
            fields = k.fstat(name)
        else:
            fields = k.stat(_at(name, dir_fd), bool(follow_symlinks))
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error
    return args.stat_result(fields)


def lstat(path: Any, *, dir_fd: Any = None) -> _host.stat_result:
    name = args.path(path, "lstat")
    try:
        fields = k.stat(_at(name, dir_fd), False)
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error
    return args.stat_result(fields)


def unlink(path: Any, *, dir_fd: Any = None) -> None:
    name = args.path(path, "unlink")
    try:
        k.unlink(_at(name, dir_fd))
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def remove(path: Any, *, dir_fd: Any = None) -> None:
    name = args.path(path, "remove")
    try:
        k.unlink(_at(name, dir_fd))
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def rmdir(path: Any, *, dir_fd: Any = None) -> None:
    name = args.path(path, "rmdir")
    try:
        k.rmdir(_at(name, dir_fd))
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def mkdir(path: Any, mode: int = 0o777, *, dir_fd: Any = None) -> None:
    name = args.path(path, "mkdir")
    try:
        k.mkdir(_at(name, dir_fd), args.c_int(mode))
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def chown(path: Any, uid: int, gid: int, *, dir_fd: Any = None, follow_symlinks: bool = True) -> None:
    name = args.path_or_fd(path, "chown")
    uid, gid = args.c_long(uid), args.c_long(gid)
    try:
        if isinstance(name, int):
            args.no_dir_fd("chown", dir_fd)
            k.fchown(name, uid, gid)
        else:
            k.chown(_at(name, dir_fd), uid, gid, bool(follow_symlinks))
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def fchown(fd: int, uid: int, gid: int) -> None:
    k.fchown(args.c_int(fd), args.c_long(uid), args.c_long(gid))


def lchown(path: Any, uid: int, gid: int) -> None:
    name = args.path(path, "lchown")
    try:
        k.chown(name, args.c_long(uid), args.c_long(gid), False)
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def statvfs(path: Any) -> _host.statvfs_result:
    name = args.path_or_fd(path, "statvfs")
    try:
        if isinstance(name, int):
            k.fstat(name)
        else:
            k.stat(name, True)
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error
    return _host.statvfs_result((*k.statfs(), 0))


def fstatvfs(fd: int) -> _host.statvfs_result:
    k.fstat(args.c_int(fd))
    return _host.statvfs_result((*k.statfs(), 0))


def mkfifo(path: Any, mode: int = 0o666, *, dir_fd: Any = None) -> None:
    args.path(path, "mkfifo")
    raise OSError(95, _host.strerror(95), path)


def rename(src: Any, dst: Any, *, src_dir_fd: Any = None, dst_dir_fd: Any = None) -> None:
    _rename("rename", src, dst, src_dir_fd, dst_dir_fd)


def replace(src: Any, dst: Any, *, src_dir_fd: Any = None, dst_dir_fd: Any = None) -> None:
    _rename("replace", src, dst, src_dir_fd, dst_dir_fd)


def _rename(function: str, src: Any, dst: Any, src_dir_fd: Any, dst_dir_fd: Any) -> None:
    old, new = args.path(src, function, "src"), args.path(dst, function, "dst")
    try:
        k.rename(_at(old, src_dir_fd), _at(new, dst_dir_fd))
    except OSError as e:
        raise args.named(e, src, dst)  # noqa: B904  # the same error


def link(src: Any, dst: Any, *, src_dir_fd: Any = None, dst_dir_fd: Any = None, follow_symlinks: bool = True) -> None:
    old, new = args.path(src, "link", "src"), args.path(dst, "link", "dst")
    try:
        k.link(_at(old, src_dir_fd), _at(new, dst_dir_fd))
    except OSError as e:
        raise args.named(e, src, dst)  # noqa: B904  # the same error


def symlink(src: Any, dst: Any, target_is_directory: bool = False, *, dir_fd: Any = None) -> None:
    old, new = args.path(src, "symlink", "src"), args.path(dst, "symlink", "dst")
    try:
        k.symlink(old, _at(new, dir_fd))
    except OSError as e:
        raise args.named(e, src, dst)  # noqa: B904  # the same error


def readlink(path: Any, *, dir_fd: Any = None) -> Any:
    name = args.path(path, "readlink")
    try:
        target = k.readlink(_at(name, dir_fd))
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error
    return _host.fsencode(target) if isinstance(name, bytes) else _host.fsdecode(target)


def listdir(path: Any = None) -> list[Any]:
    name = "." if path is None or path == -1 else args.path_or_fd(path, "listdir", or_none=True)
    try:
        names: list[Any] = k.listdir(name)
    except OSError as e:
        # A descriptor's errors name it, but for the one that the C library's dup() would have.
        raise args.nameless(e) if e.errno == errno.EBADF else args.named(e, path)  # noqa: B904  # the same
    return [_host.fsencode(entry) for entry in names] if isinstance(name, bytes) else names


def getcwd() -> str:
    return _host.fsdecode(k.getcwd())


def getcwdb() -> bytes:
    return _host.fsencode(k.getcwd())


def chdir(path: Any) -> None:
    name = args.path_or_fd(path, "chdir")
    try:
        if isinstance(name, int):
            k.fchdir(name)
        else:
            k.chdir(name)
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def fchdir(fd: Any) -> None:
    k.fchdir(args.file_descriptor(fd))


def chmod(path: Any, mode: int, *, dir_fd: Any = None, follow_symlinks: bool = True) -> None:
    name = args.path_or_fd(path, "chmod")
    mode = args.c_int(mode)
    if not follow_symlinks:
        raise NotImplementedError("chmod: follow_symlinks unavailable on this platform")
    try:
        if isinstance(name, int):
            args.no_dir_fd("chmod", dir_fd)
            k.fchmod(name, mode)
        else:
            k.chmod(_at(name, dir_fd), mode)
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def umask(mask: int, /) -> int:
    old: int = k.umask(args.c_int(mask))
    return old


def access(
    path: Any, mode: int, *, dir_fd: Any = None, effective_ids: bool = False, follow_symlinks: bool = True
) -> bool:
    name, mode = args.path(path, "access"), args.c_int(mode)
    try:
        name = _at(name, dir_fd)
        if not follow_symlinks and _st.S_ISLNK(k.stat(name, False)[0]):
            return True
        return k.access(name, mode) is not False
    except OSError:
        return False


def truncate(path: Any, length: int) -> None:
    name, length = args.path_or_fd(path, "truncate"), args.c_long(length)
    if isinstance(name, int):
        k.ftruncate(name, length)
        return
    try:
        k.truncate(name, length)
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error


def utime(path: Any, times: Any = None, *, ns: Any = None, dir_fd: Any = None, follow_symlinks: bool = True) -> None:
    name = args.path_or_fd(path, "utime")
    if times is not None and ns is not None:
        raise ValueError("utime: you may specify either 'times' or 'ns' but not both")
    if ns is not None:
        if not isinstance(ns, tuple) or len(ns) != 2:
            raise TypeError("utime: 'ns' must be a tuple of two ints")
        atime, mtime = args.file_time_ns(ns[0]), args.file_time_ns(ns[1])
    elif times is not None:
        if not isinstance(times, tuple) or len(times) != 2:
            raise TypeError("utime: 'times' must be either a tuple of two ints or None")
        atime, mtime = args.file_time(times[0]), args.file_time(times[1])
    else:
        import time

        atime = mtime = time.time_ns()
    try:
        if isinstance(name, int):
            args.no_dir_fd("utime", dir_fd)
            k.fcntl(name, _F_GETFD, 0)
            k.utime(f"{_OPEN}{name}", atime, mtime, True)
        else:
            k.utime(_at(name, dir_fd), atime, mtime, bool(follow_symlinks))
    except OSError as e:
        raise args.named(e, path) if _UTIME_NAMES else args.nameless(e)  # noqa: B904  # the same error
