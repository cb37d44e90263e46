"""From an inode back to its path: up through the entries that name it. fs_lock is held by every caller."""

from __future__ import annotations

from kos.fs import dirent, lastnames, procfs
from kos.fs.structs import I_PROC, Dirent, Inode, dirents, fs_state, inodes


def path_of_locked(inode: Inode) -> bytes | None:
    """Absolute path; None where no name leads there any more. Of several names, one."""
    parts: list[bytes] = []
    root = fs_state.s.root
    while inode.index != root:
        entry = _entry_of(inode)
        if entry is not None:
            parts.append(dirent.name_of(entry))
            inode = inodes[entry.dir]
        elif inode.kind == I_PROC and inode.parent:
            parts.append(procfs.name_of(inode))
            inode = inodes[inode.parent]
        else:
            return None
    return b"/" + b"/".join(reversed(parts))


def _entry_of(inode: Inode) -> Dirent | None:
    if inode.dirent:
        return dirents[inode.dirent]
    if inode.nlink and inode.kind not in (I_PROC,):
        # The name that was remembered is gone, another one is left: seldom enough to search.
        return next((entry for entry in dirents.used() if entry.inode == inode.index), None)
    return None


def describe(inode: Inode) -> bytes:
    """The path, or what Linux shows for a file whose last name is gone."""
    return path_of_locked(inode) or lastnames.recall(inode)
