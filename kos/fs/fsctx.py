"""What a task thinks of names: its current directory and its file mode mask; shared by CLONE_FS."""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.fs.inode import get_inode_locked, is_dir
from kos.fs.namei import MAY_EXEC, Path, may, names
from kos.fs.paths import path_of_locked
from kos.fs.structs import FsContext, Inode, contexts, fs_lock, inodes
from kos.hw.cpu import this


def alloc_context(cwd: Inode, umask: int) -> FsContext:
    """A context with one reference; it takes over the caller's reference to cwd. Raises ENOMEM."""
    with fs_lock:
        fs = contexts.alloc()
        if fs is None:
            raise GuestFault(errno.ENOMEM)
        fs.refcount = 1
        fs.cwd = cwd.index
        fs.umask = umask
    return fs


def get_context(fs: FsContext) -> FsContext:
    """One more task uses the context (CLONE_FS)."""
    with fs_lock:
        fs.refcount += 1
    return fs


def dup_context(old: FsContext) -> FsContext:
    """A copy, as fork makes. Raises ENOMEM."""
    with fs_lock:
        fs = contexts.alloc()
        if fs is None:
            raise GuestFault(errno.ENOMEM)
        fs.refcount = 1
        fs.cwd = get_inode_locked(inodes[old.cwd]).index
        fs.umask = old.umask
    return fs


def put_context(fs: FsContext) -> None:
    """A task stops using the context; no lock held."""
    with names() as ns:
        fs.refcount -= 1
        if not fs.refcount:
            ns.put(inodes[fs.cwd])
            contexts.free(fs)


def current() -> FsContext:
    return contexts[this.task.fs]


def set_umask(mask: int) -> int:
    """umask(2): the old mask."""
    with fs_lock:
        fs = current()
        old = int(fs.umask)
        fs.umask = mask & 0o777
    return old


def change_dir(path: Path) -> None:
    """chdir(2)."""
    with names() as ns:
        inode = ns.resolve(path)
        _enter(ns, inode)


def change_dir_to(inode: Inode) -> None:
    """fchdir(2): to an open directory, to which the caller holds a reference."""
    with names() as ns:
        _enter(ns, get_inode_locked(inode))


def _enter(ns: names, inode: Inode) -> None:
    """Make it the current directory; takes over the reference. fs_lock held."""
    if not is_dir(inode) or not may(inode, MAY_EXEC):
        ns.put(inode)
        raise GuestFault(errno.EACCES if is_dir(inode) else errno.ENOTDIR)
    fs = current()
    old = inodes[fs.cwd]
    fs.cwd = inode.index
    ns.put(old)


def current_path() -> bytes:
    """getcwd(2). Raises ENOENT where the directory was removed."""
    with fs_lock:
        path = path_of_locked(inodes[current().cwd])
    if path is None:
        raise GuestFault(errno.ENOENT)
    return path
