"""System calls on paths: each is one call into kos/fs, with the path in the error as CPython shows it."""

from __future__ import annotations

import errno
import functools
import os
import stat as modes
from collections.abc import Callable
from typing import TypeVar

from kos.errors import GuestFault
from kos.fs import dirent, dirs, fdtable, fsctx, hostfs, procfs, regular
from kos.fs.fdtable import on_file
from kos.fs.inode import is_dir, is_symlink, put_inode
from kos.fs.namei import MAY_WRITE, Path, link_target, may, names
from kos.fs.open import read_whole
from kos.fs.paths import path_of_locked
from kos.fs.stat import Stat, stat_inode
from kos.fs.structs import F_DIR, F_PLACE, I_HOST, I_PROC, IF_READ_ONLY, NAME_MAX, NR_INODES, File, Inode, inodes
from kos.hw.cpu import this
from kos.mm.page_alloc import nr_free, nr_total
from kos.params import PAGE_SIZE
from kos.sched.structs import processes
from kos.syscall.table import syscall

R = TypeVar("R")
_NOFILE = 7  #: the resource limit


def _naming(nr_paths: int) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Errors of the call carry its first one or two arguments as filenames, as OSError does."""

    def decorate(fn: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(fn)
        def call(*args: object) -> R:
            try:
                return fn(*args)
            except GuestFault as e:
                raise GuestFault(e.errno, *args[:nr_paths]) from None

        return call

    return decorate


@syscall("stat")
@_naming(1)
def stat(path: Path, follow: bool = True) -> Stat:
    with names() as ns:
        inode = ns.resolve(path, follow=follow)
        try:
            return stat_inode(inode)
        finally:
            ns.put(inode)


@syscall("access")
def access(path: Path, mode: int) -> bool:
    """Would it be allowed? A mode that there is not is not."""
    if mode & ~7:
        return False
    try:
        with names() as ns:
            inode = ns.resolve(path)
            try:
                if mode & MAY_WRITE and inode.flags & IF_READ_ONLY and not modes.S_ISCHR(inode.mode):
                    return False
                return may(inode, mode)
            finally:
                ns.put(inode)
    except GuestFault:
        return False


@syscall("unlink")
@_naming(1)
def unlink(path: Path) -> None:
    dirs.unlink(path)


@syscall("rmdir")
@_naming(1)
def rmdir(path: Path) -> None:
    dirs.rmdir(path)


@syscall("mkdir")
@_naming(1)
def mkdir(path: Path, mode: int = 0o777) -> None:
    dirs.mkdir(path, mode)


@syscall("rename")
@_naming(2)
def rename(old: Path, new: Path) -> None:
    dirs.rename(old, new)


@syscall("link")
@_naming(2)
def link(old: Path, new: Path) -> None:
    dirs.link(old, new)


@syscall("symlink")
@_naming(2)
def symlink(target: Path, path: Path) -> None:
    dirs.symlink(target, path)


@syscall("readlink")
@_naming(1)
def readlink(path: Path) -> str | bytes:
    with names() as ns:
        inode = ns.resolve(path, follow=False)
        try:
            if not is_symlink(inode):
                raise GuestFault(errno.EINVAL)
            target = link_target(inode)
        finally:
            ns.put(inode)
    return target if isinstance(path, bytes) else os.fsdecode(target)


@syscall("listdir")
def listdir(where: Path | int) -> list[str]:
    """The names in a directory given by path or descriptor, without "." and ".."."""
    if isinstance(where, int):

        def work(file: File) -> list[str]:
            if file.kind != F_DIR:
                raise GuestFault(errno.EBADF if file.kind == F_PLACE else errno.ENOTDIR)
            return _list(inodes[file.inode])

        return on_file(where, work)
    try:
        # The C library opens the directory to read it.
        if not fdtable.has_room(fdtable.current(), int(processes[this.task.process].rlimits[2 * _NOFILE])):
            raise GuestFault(errno.EMFILE)
        with names() as ns:
            inode = ns.resolve(where)
        try:
            return _list(inode)
        finally:
            put_inode(inode)
    except GuestFault as e:
        raise GuestFault(e.errno, where) from None


def _list(directory: Inode) -> list[str]:
    """A reference to the directory is held, no lock."""
    if not is_dir(directory):
        raise GuestFault(errno.ENOTDIR)
    if not may(directory, 4):
        raise GuestFault(errno.EACCES)
    if directory.kind == I_PROC:
        return [os.fsdecode(name) for name in procfs.names(directory)]
    with names():
        # Entries for what the host has are only a cache: the host lists them.
        own = [dirent.name_of(e) for e in dirent.entries(directory) if inodes[e.inode].kind != I_HOST]
        path = path_of_locked(directory) if hostfs.shows_host(directory) else None
    if path is not None:
        have = set(own)
        own += [name for name in hostfs.names(path) if name not in have]
    return [os.fsdecode(name) for name in own]


@syscall("getcwd")
def getcwd() -> str:
    return os.fsdecode(fsctx.current_path())


@syscall("chdir")
@_naming(1)
def chdir(path: Path) -> None:
    fsctx.change_dir(path)


@syscall("truncate")
@_naming(1)
def truncate(path: Path, size: int) -> None:
    if size < 0:
        raise GuestFault(errno.EINVAL)
    with names() as ns:
        inode = ns.resolve(path)
    try:
        if is_dir(inode):
            raise GuestFault(errno.EISDIR)
        if not modes.S_ISREG(inode.mode):
            raise GuestFault(errno.EINVAL)
        if not may(inode, MAY_WRITE):
            raise GuestFault(errno.EACCES)
        if inode.flags & IF_READ_ONLY:
            raise GuestFault(errno.EROFS)
        regular.truncate(inode, size)
    finally:
        put_inode(inode)


@syscall("umask")
def umask(mask: int) -> int:
    return fsctx.set_umask(mask)


@syscall("chmod")
@_naming(1)
def chmod(path: Path, mode: int) -> None:
    with names() as ns:
        inode = ns.resolve(path)
        try:
            dirs.change_mode(inode, mode)
        finally:
            ns.put(inode)


@syscall("fchmod")
def fchmod(fd: int, mode: int) -> None:
    def work(file: File) -> None:
        if file.inode:
            with names():
                dirs.change_mode(inodes[file.inode], mode)

    on_file(fd, work)


@syscall("chown")
@_naming(1)
def chown(path: Path, uid: int, gid: int, follow: bool = True) -> None:
    with names() as ns:
        inode = ns.resolve(path, follow=follow)
        try:
            dirs.change_owner(inode, uid, gid)
        finally:
            ns.put(inode)


@syscall("fchown")
def fchown(fd: int, uid: int, gid: int) -> None:
    def work(file: File) -> None:
        if file.inode:
            with names():
                dirs.change_owner(inodes[file.inode], uid, gid)

    on_file(fd, work)


@syscall("statfs")
def statfs() -> tuple[int, ...]:
    """Block size, fragment size, blocks, free ones twice; files, free ones twice; flags, longest name."""
    free, left = nr_free(), NR_INODES - inodes.head.nr_used
    return PAGE_SIZE, PAGE_SIZE, nr_total(), free, free, NR_INODES, left, left, 0, NAME_MAX


@syscall("utime")
@_naming(1)
def utime(path: Path, atime_ns: int, mtime_ns: int, follow: bool = True) -> None:
    with names() as ns:
        inode = ns.resolve(path, follow=follow)
        try:
            dirs.change_times(inode, atime_ns, mtime_ns)
        finally:
            ns.put(inode)


@syscall("read_file")
@_naming(1)
def read_file(path: Path) -> bytes:
    return read_whole(path)
