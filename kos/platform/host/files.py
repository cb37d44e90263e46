"""The host's files, read-only: what guests see of the folder that their program came from."""

from __future__ import annotations

import fcntl
import os
import stat
from typing import NamedTuple

StatResult = os.stat_result


def lstat(path: bytes) -> os.stat_result | None:
    """What the host says about a path, links not followed; None where it says nothing."""
    try:
        return os.lstat(path)
    except (OSError, ValueError):
        return None


def names(path: bytes) -> list[bytes]:
    """The names in a folder, as the host orders them. Raises OSError."""
    return os.listdir(path)


def contents(path: bytes) -> bytes:
    """A regular file's bytes; one that is something else by now (a fifo would block) is an OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with open(fd, "rb") as f:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(22, "not a regular file")
        return f.read()


def link_target(path: bytes) -> bytes:
    """What a symbolic link says. Raises OSError."""
    return os.readlink(path)


def umask() -> int:
    """The file mode mask that this process was started with."""
    mask = os.umask(0o22)
    os.umask(mask)
    return mask


class Stream(NamedTuple):
    """What one of this process's streams is; all zero if it is closed."""

    mode: int = 0  #: st_mode
    flags: int = 0  #: O_ACCMODE
    is_tty: bool = False
    is_null: bool = False  #: /dev/null


def stream(fd: int) -> Stream:
    """What the stream with this descriptor is."""
    try:
        st = os.fstat(fd)
        is_null = stat.S_ISCHR(st.st_mode) and st.st_rdev == os.makedev(1, 3)
        return Stream(st.st_mode, fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE, os.isatty(fd), is_null)
    except OSError:
        return Stream()


def is_same_file(a: int, b: int) -> bool:
    """Do two descriptors of this process lead to one file?"""
    try:
        return os.path.sameopenfile(a, b)
    except OSError:
        return False


def why_not_writable(path: str) -> str | None:
    """Why a file cannot be written; None: it can. It is not changed, nor left where there was none."""
    is_new = not os.path.lexists(path)
    try:
        with open(path, "ab"):
            pass
        if is_new:
            os.unlink(path)
    except OSError as e:
        return e.strerror or str(e)
    except ValueError as e:
        return str(e)
    return None
