"""From a path to an inode: the walk, one component after the other, under fs_lock.

A walk holds one reference, on where it stands. `with names() as ns` takes the lock and collects what loses its
last reference meanwhile: that is freed when the lock has been released, since freeing contents takes time.
"""

from __future__ import annotations

import errno
import os
from types import TracebackType

from kos.errors import GuestFault
from kos.fs import dirent, hostfs, procfs
from kos.fs.inode import free_inodes, get_inode_locked, is_dir, is_symlink, put_inode_locked
from kos.fs.paths import path_of_locked
from kos.fs.structs import (
    I_HOST,
    I_PROC,
    NAME_MAX,
    PATH_MAX,
    SYMLINK_MAX,
    Inode,
    contexts,
    fs_lock,
    fs_state,
    inodes,
)
from kos.hw.cpu import this
from kos.mm import pagecache
from kos.mm.structs import mappings
from kos.sched.structs import machine

MAY_EXEC, MAY_WRITE, MAY_READ = 1, 2, 4
Path = str | bytes


class names:  # reads as a word: `with names() as ns`
    """The name space, locked."""

    __slots__ = ("_gone",)

    def __enter__(self) -> names:
        self._gone: list[Inode] = []
        fs_lock.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        fs_lock.release()
        if self._gone:
            free_inodes(self._gone)

    def put(self, inode: Inode) -> None:
        """Drop a reference; what it was the last one of is freed after the lock's release."""
        self._gone += put_inode_locked(inode)

    # --- the walk ------------------------------------------------------------------------------

    def resolve(self, path: Path, *, follow: bool = True) -> Inode:
        """The inode that a path names, with a reference for the caller. Raises ENOENT and the like."""
        found = self._walk(to_bytes(path), None, follow=follow, to_parent=False)
        return found[0]

    def parent(self, path: Path, base: Inode | None = None) -> tuple[Inode, bytes, bool]:
        """(directory, last name, it must be a directory): the directory with a reference for the caller.

        The name is not looked up; it is b"" for "/" and may be b"." or b"..". base: where a relative path
        starts; None = the current directory.
        """
        return self._walk(to_bytes(path), base, follow=False, to_parent=True)

    def child(self, directory: Inode, name: bytes) -> Inode | None:
        """What a directory calls `name`, with a reference for the caller; None if nothing. Raises ENAMETOOLONG."""
        if len(name) > NAME_MAX:
            raise GuestFault(errno.ENAMETOOLONG)
        if directory.kind == I_PROC:
            return procfs.lookup(directory, name)
        entry = dirent.find(directory, name)
        if entry is not None:
            return get_inode_locked(inodes[entry.inode])
        if hostfs.shows_host(directory):
            return hostfs.lookup(directory, name)
        return None

    def _walk(self, path: bytes, base: Inode | None, *, follow: bool, to_parent: bool) -> tuple[Inode, bytes, bool]:
        if not path:
            raise GuestFault(errno.ENOENT)
        if len(path) >= PATH_MAX:
            raise GuestFault(errno.ENAMETOOLONG)
        root = inodes[fs_state.s.root]
        at = get_inode_locked(root if path[:1] == b"/" else base or current_dir())
        todo = [part for part in reversed(path.split(b"/")) if part]
        dir_wanted = path.endswith(b"/")
        nr_links = 0
        try:
            while todo:
                name = todo.pop()
                if not is_dir(at):
                    raise GuestFault(errno.ENOTDIR)
                if not may(at, MAY_EXEC):
                    raise GuestFault(errno.EACCES)
                if to_parent and not todo:
                    return at, name, dir_wanted
                if name == b".":
                    continue
                if name == b"..":
                    up = get_inode_locked(inodes[at.parent] if at.parent else root)
                    self.put(at)
                    at = up
                    continue
                child = self.child(at, name)
                if child is None:
                    raise GuestFault(errno.ENOENT)
                if is_symlink(child) and (todo or follow or dir_wanted):
                    behind = procfs.file_behind(child) if child.kind == I_PROC else None
                    if behind is not None:
                        behind = get_inode_locked(behind)
                        self.put(child)
                        self.put(at)
                        at = behind
                        continue
                    try:
                        nr_links += 1
                        if nr_links > SYMLINK_MAX:
                            raise GuestFault(errno.ELOOP)
                        target = link_target(child)
                    finally:
                        self.put(child)
                    if target[:1] == b"/":
                        self.put(at)
                        at = get_inode_locked(root)
                    todo += [part for part in reversed(target.split(b"/")) if part]
                    continue
                self.put(at)
                at = child
            if dir_wanted and not is_dir(at):
                raise GuestFault(errno.ENOTDIR)
            return at, b"", dir_wanted
        except BaseException:
            self.put(at)
            raise


def to_bytes(path: Path) -> bytes:
    """A path as the file system keeps it."""
    return path if isinstance(path, bytes) else os.fsencode(path)


def current_dir() -> Inode:
    """The current directory of the task that runs here; fs_lock held."""
    return inodes[contexts[this.task.fs].cwd]


def link_target(inode: Inode) -> bytes:
    """What a symbolic link says; fs_lock held."""
    if inode.kind == I_PROC:
        return procfs.link_target(inode)
    if inode.kind == I_HOST:
        path = path_of_locked(inode)
        if path is None:
            raise GuestFault(errno.ENOENT)
        return hostfs.link_target(path)
    return pagecache.read(mappings[inode.mapping], 0, PATH_MAX)


def may(inode: Inode, mask: int) -> bool:
    """May the guest (who is whoever runs kos) do this? Root may all but execute what nobody may execute."""
    uid = machine.s.uid
    if not uid:
        return not mask & MAY_EXEC or is_dir(inode) or bool(inode.mode & 0o111)
    shift = 6 if inode.uid == uid else 3 if inode.gid == machine.s.gid else 0
    return inode.mode >> shift & mask == mask
