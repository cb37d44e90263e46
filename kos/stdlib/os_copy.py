"""os: room in files, what they are like, and moving bytes from one descriptor to another.

Each piece is read where it lies and is passed over once it is written: what cannot be written has not been read.
"""

from __future__ import annotations

import os as _host
import stat as _st
from typing import Any

from _kos import syscalls as k

from kos.stdlib import args

__all__ = [
    "copy_file_range", "device_encoding", "fpathconf", "pathconf", "posix_fadvise", "posix_fallocate", "sendfile",
    "sync", "ttyname",
]  # fmt: skip

_SEEK_SET, _SEEK_CUR = 0, 1
_PIECE = 65536


def posix_fallocate(fd: int, offset: int, length: int, /) -> None:
    fd, offset, length = args.c_int(fd), args.c_long(offset), args.c_long(length)
    k.fallocate(fd, offset, length)


def posix_fadvise(fd: int, offset: int, length: int, advice: int, /) -> None:
    """Files are in memory: there is nothing to read ahead or to forget."""
    fd, offset, length, advice = args.c_int(fd), args.c_long(offset), args.c_long(length), args.c_int(advice)
    mode = k.fstat(fd)[0]
    if _st.S_ISFIFO(mode):
        raise OSError(29, _host.strerror(29))
    if length < 0 or not 0 <= advice <= 5:
        raise OSError(22, _host.strerror(22))


def pathconf(path: Any, name: Any) -> int:
    where = args.path_or_fd(path, "pathconf")
    try:
        if isinstance(where, int):
            k.fstat(where)
        else:
            k.stat(where, True)
    except OSError as e:
        raise args.named(e, path)  # noqa: B904  # the same error
    return _conf(name)


def fpathconf(fd: int, name: Any, /) -> int:
    k.fstat(args.c_int(fd))
    return _conf(name)


def _conf(name: Any) -> int:
    """The limits that do not depend on the kind of file are Linux's."""
    return _host.pathconf("/", name)


def device_encoding(fd: int) -> str | None:
    return "UTF-8" if k.isatty(args.c_int(fd)) else None


def ttyname(fd: int, /) -> str:
    k.fstat(args.c_int(fd))
    if not k.isatty(fd):
        raise OSError(25, _host.strerror(25))
    return "/dev/tty"


def sync() -> None:
    """Memory is as safe as it gets."""


def sendfile(out_fd: int, in_fd: int, offset: Any, count: int) -> int:
    out_fd, in_fd, count = args.c_int(out_fd), args.c_int(in_fd), args.c_ssize(count)
    place = None if offset is None else args.c_long(offset)
    return _move(in_fd, place, out_fd, None, count)


def copy_file_range(src: int, dst: int, count: int, offset_src: Any = None, offset_dst: Any = None) -> int:
    src, dst, count = args.c_int(src), args.c_int(dst), args.c_ssize(count)
    if count < 0:
        raise ValueError("negative value for 'count' not allowed")
    here = None if offset_src is None else args.c_long(offset_src)
    there = None if offset_dst is None else args.c_long(offset_dst)
    for fd in (src, dst):
        mode = k.fstat(fd)[0]
        if not _st.S_ISREG(mode):
            number = 21 if _st.S_ISDIR(mode) else 22
            raise OSError(number, _host.strerror(number))
    return _move(src, here, dst, there, count)


def _move(src: int, here: int | None, dst: int, there: int | None, count: int) -> int:
    """Copy up to `count` bytes between the given places, or (None) where the descriptors stand, which move on."""
    place = k.lseek(src, 0, _SEEK_CUR) if here is None else here
    done = 0
    while done < count:
        piece = k.pread(src, min(count - done, _PIECE), place + done)
        if not piece:
            break
        try:
            written = k.write(dst, piece) if there is None else k.pwrite(dst, piece, there + done)
        except OSError:
            if not done:
                raise
            break
        done += written
        if here is None:
            k.lseek(src, place + done, _SEEK_SET)
        if written < len(piece):
            break
    return done
