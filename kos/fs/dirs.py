"""What changes directories: create, mkdir, link, symlink, unlink, rmdir, rename. Each is one step under fs_lock.

The order in which errors are looked for is that of Linux's fs/namei.c, as far as a program can tell, but for
one: a directory that cannot be changed says so (EROFS) only when nothing else is wrong.
"""

from __future__ import annotations

import errno
import stat

from kos.errors import GuestFault
from kos.fs import dirent, lastnames
from kos.fs.inode import alloc_inode, get_inode_locked, give_mapping, is_dir, undo_inode
from kos.fs.namei import MAY_EXEC, MAY_WRITE, Path, may, names, to_bytes
from kos.fs.structs import (
    I_HOST,
    I_RAM,
    IF_PINNED,
    IF_READ_ONLY,
    PATH_MAX,
    Dirent,
    Inode,
    contexts,
    inodes,
)
from kos.hw.cpu import this
from kos.mm import pagecache
from kos.mm.structs import mappings
from kos.platform.host.clock import wall_ns
from kos.sched.structs import machine


def umask() -> int:
    return contexts[this.task.fs].umask


def may_change(directory: Inode) -> None:
    """Raises where a name may not be added to or taken from a directory; fs_lock held."""
    if directory.kind != I_RAM or directory.flags & IF_READ_ONLY:
        raise GuestFault(errno.EROFS)
    if not directory.nlink:
        raise GuestFault(errno.ENOENT)  # it was removed while somebody stood in it
    if not may(directory, MAY_WRITE | MAY_EXEC):
        raise GuestFault(errno.EACCES)


def _touch(directory: Inode) -> None:
    directory.mtime_ns = directory.ctime_ns = wall_ns()


def new_file(directory: Inode, name: bytes, mode: int) -> Inode:
    """A new, empty regular file with one reference for the caller; fs_lock held. Raises ENOSPC and the like."""
    may_change(directory)
    inode = alloc_inode(I_RAM, stat.S_IFREG | mode & 0o7777 & ~umask())
    try:
        give_mapping(inode)
        dirent.insert(directory, name, inode)
    except BaseException:
        undo_inode(inode)
        raise
    inode.refs += 1  # the name's
    _touch(directory)
    return inode


def _new_name(ns: names, path: Path) -> tuple[Inode, bytes, bool]:
    """Where a new name would go: nothing may be there. Raises EEXIST."""
    directory, name, dir_wanted = ns.parent(path)
    try:
        there = ns.child(directory, name) if name not in (b"", b".", b"..") else directory
        if there is not None:
            if there is not directory:
                ns.put(there)
            raise GuestFault(errno.EEXIST)
        may_change(directory)
    except BaseException:
        ns.put(directory)
        raise
    return directory, name, dir_wanted


def make_dir_locked(directory: Inode, name: bytes, mode: int) -> Inode:
    """A new directory, without a reference for the caller; fs_lock held."""
    inode = alloc_inode(I_RAM, stat.S_IFDIR | mode)
    try:
        dirent.insert(directory, name, inode)
    except GuestFault:
        undo_inode(inode)
        raise
    inode.nlink = 2
    inode.parent = get_inode_locked(directory).index
    directory.nlink += 1
    _touch(directory)
    return inode


def mkdir(path: Path, mode: int) -> None:
    with names() as ns:
        directory, name, _ = _new_name(ns, path)
        try:
            make_dir_locked(directory, name, mode & 0o1777 & ~umask())
        finally:
            ns.put(directory)


def symlink(target: Path, path: Path) -> None:
    text = to_bytes(target)
    if not text:
        raise GuestFault(errno.ENOENT)
    if len(text) >= PATH_MAX:
        raise GuestFault(errno.ENAMETOOLONG)
    with names() as ns:
        directory, name, dir_wanted = _new_name(ns, path)
        try:
            if dir_wanted:
                raise GuestFault(errno.ENOENT)
            inode = alloc_inode(I_RAM, stat.S_IFLNK | 0o777)
            try:
                give_mapping(inode)
                if pagecache.write(mappings[inode.mapping], 0, text) < len(text):
                    raise GuestFault(errno.ENOSPC)
                dirent.insert(directory, name, inode)
            except BaseException:
                undo_inode(inode)
                raise
            _touch(directory)
        finally:
            ns.put(directory)


def link(path: Path, new: Path) -> None:
    """A second name for a file; not for a directory (EPERM)."""
    with names() as ns:
        inode = ns.resolve(path, follow=False)
        try:
            directory, name, dir_wanted = _new_name(ns, new)
            try:
                if dir_wanted:
                    raise GuestFault(errno.ENOENT)
                if inode.kind != I_RAM:
                    raise GuestFault(errno.EXDEV)
                if is_dir(inode):
                    raise GuestFault(errno.EPERM)
                dirent.insert(directory, name, inode)
                inode.refs += 1
                inode.nlink += 1
                inode.ctime_ns = wall_ns()
                _touch(directory)
            finally:
                ns.put(directory)
        finally:
            ns.put(inode)


def unlink(path: Path) -> None:
    with names() as ns:
        directory, name, dir_wanted = ns.parent(path)
        try:
            if name in (b"", b".", b".."):
                raise GuestFault(errno.EISDIR)
            inode = ns.child(directory, name)
            if inode is None:
                raise GuestFault(errno.ENOENT)
            try:
                if is_dir(inode):
                    raise GuestFault(errno.EISDIR)
                if dir_wanted:
                    raise GuestFault(errno.ENOTDIR)
                _may_remove(directory, inode)
                _forget(ns, directory, name, inode)
            finally:
                ns.put(inode)
        finally:
            ns.put(directory)


def rmdir(path: Path) -> None:
    with names() as ns:
        directory, name, _ = ns.parent(path)
        try:
            if name in (b"", b".", b".."):
                raise GuestFault({b"": errno.EBUSY, b".": errno.EINVAL, b"..": errno.ENOTEMPTY}[name])
            inode = ns.child(directory, name)
            if inode is None:
                raise GuestFault(errno.ENOENT)
            try:
                if not is_dir(inode):
                    raise GuestFault(errno.ENOTDIR)
                _may_remove(directory, inode)
                if inode.nr_entries:
                    raise GuestFault(errno.ENOTEMPTY)
                _forget(ns, directory, name, inode)
            finally:
                ns.put(inode)
        finally:
            ns.put(directory)


def _may_remove(directory: Inode, inode: Inode) -> None:
    """Raises where a name of this inode may not be taken away; fs_lock held."""
    if inode.flags & IF_PINNED:
        raise GuestFault(errno.EBUSY)
    if inode.kind == I_HOST:
        raise GuestFault(errno.EROFS)
    may_change(directory)


def _forget(ns: names, directory: Inode, name: bytes, inode: Inode) -> None:
    """Take a name of the ram file system away, and the reference it holds; fs_lock held."""
    entry = _entry(directory, name)
    if is_dir(inode) or inode.nlink == 1:
        lastnames.remember(inode, dirent.path_to(directory, name) + b" (deleted)")
    dirent.remove(entry)
    if is_dir(inode):
        inode.nlink = 0
        directory.nlink -= 1
    else:
        inode.nlink -= 1
    inode.ctime_ns = wall_ns()
    _touch(directory)
    ns.put(inode)


def _entry(directory: Inode, name: bytes) -> Dirent:
    entry = dirent.find(directory, name)
    assert entry is not None  # the caller has looked it up under this very lock
    return entry


def rename(old: Path, new: Path) -> None:
    """Give a file or directory another name, replacing what had it, in one step."""
    with names() as ns:
        held: list[Inode] = []
        try:
            from_dir, from_name, from_slash = ns.parent(old)
            held.append(from_dir)
            to_dir, to_name, to_slash = ns.parent(new)
            held.append(to_dir)
            if from_name in (b"", b".", b"..") or to_name in (b"", b".", b".."):
                raise GuestFault(errno.EBUSY)
            inode = ns.child(from_dir, from_name)
            if inode is None:
                raise GuestFault(errno.ENOENT)
            held.append(inode)
            there = ns.child(to_dir, to_name)
            if there is not None:
                held.append(there)
            if not is_dir(inode) and (from_slash or to_slash):
                raise GuestFault(errno.ENOTDIR)
            if _is_above(inode, to_dir):
                raise GuestFault(errno.EINVAL)
            if there is not None and _is_above(there, from_dir):
                raise GuestFault(errno.ENOTEMPTY)
            _check_rename(from_dir, to_dir, inode, there)
            if there is inode:
                return  # two names of one file: nothing happens (rename(2))
            if there is not None:
                _forget(ns, to_dir, to_name, there)
            _move(ns, from_dir, from_name, to_dir, to_name, inode)
        finally:
            for each in held:
                ns.put(each)


def _is_above(inode: Inode, directory: Inode) -> bool:
    """Is the inode the directory itself, or one above it?"""
    while directory is not inode:
        if not directory.parent:
            return False
        directory = inodes[directory.parent]
    return True


def _check_rename(from_dir: Inode, to_dir: Inode, inode: Inode, there: Inode | None) -> None:
    if (inode.kind == I_RAM) != (to_dir.kind == I_RAM):
        raise GuestFault(errno.EXDEV)
    _may_remove(from_dir, inode)
    may_change(to_dir)
    if there is None or there is inode:
        return
    if is_dir(inode) and not is_dir(there):
        raise GuestFault(errno.ENOTDIR)
    if is_dir(there) and not is_dir(inode):
        raise GuestFault(errno.EISDIR)
    _may_remove(to_dir, there)
    if there.nr_entries:
        raise GuestFault(errno.ENOTEMPTY)


def _move(ns: names, from_dir: Inode, from_name: bytes, to_dir: Inode, to_name: bytes, inode: Inode) -> None:
    """The rename itself. The old entry goes first, so that there is one free for the new: it cannot fail."""
    dirent.remove(_entry(from_dir, from_name))
    dirent.insert(to_dir, to_name, inode)
    if is_dir(inode) and from_dir is not to_dir:
        inode.parent = get_inode_locked(to_dir).index
        from_dir.nlink -= 1
        to_dir.nlink += 1
        ns.put(from_dir)
    inode.ctime_ns = wall_ns()
    _touch(from_dir)
    _touch(to_dir)


def change_mode(inode: Inode, mode: int) -> None:
    """chmod; fs_lock and a reference held."""
    if inode.kind != I_RAM or inode.flags & IF_READ_ONLY:
        raise GuestFault(errno.EROFS)
    if not _owns(inode):
        raise GuestFault(errno.EPERM)
    inode.mode = stat.S_IFMT(inode.mode) | mode & 0o7777
    inode.ctime_ns = wall_ns()


def change_owner(inode: Inode, uid: int, gid: int) -> None:
    """chown; -1 leaves a number as it is. fs_lock and a reference held. Linux: chown_ok(), chgrp_ok(), fs/attr.c."""
    if inode.kind != I_RAM or inode.flags & IF_READ_ONLY:
        raise GuestFault(errno.EROFS)
    me = machine.s
    if me.uid and not (inode.uid == me.uid and uid in (-1, me.uid) and gid in (-1, me.gid, inode.gid)):
        raise GuestFault(errno.EPERM)
    if uid != -1:
        inode.uid = uid & 0xFFFFFFFF
    if gid != -1:
        inode.gid = gid & 0xFFFFFFFF
    if not is_dir(inode):
        inode.mode &= ~(stat.S_ISUID | (stat.S_ISGID if inode.mode & stat.S_IXGRP else 0))
    inode.ctime_ns = wall_ns()


def change_times(inode: Inode, atime_ns: int, mtime_ns: int) -> None:
    """utimensat; fs_lock and a reference held."""
    if inode.kind != I_RAM or inode.flags & IF_READ_ONLY:
        raise GuestFault(errno.EROFS)
    if not _owns(inode):
        raise GuestFault(errno.EPERM)
    inode.atime_ns, inode.mtime_ns = atime_ns, mtime_ns
    inode.ctime_ns = wall_ns()


def _owns(inode: Inode) -> bool:
    return not machine.s.uid or inode.uid == machine.s.uid
