"""Inodes: made, referenced, and taken apart when nothing refers to them any more.

References are counted under `fs_lock`: open files, names (a Dirent of the ram file system holds one on what it
names), a directory's children (each holds one on its parent), current directories, and walks under way. With the
last one the inode goes, and so do its contents. A host inode is only a cache of what the host knows: its Dirent
holds no reference, and goes with it.
"""

from __future__ import annotations

import errno
import stat

from kos.errors import GuestFault, KernelBug
from kos.fs import dirent, lastnames
from kos.fs.structs import I_HOST, I_RAM, Inode, dirents, fs_lock, fs_state, inodes
from kos.mm.pagecache import mapping_alloc, put_mapping
from kos.mm.structs import Mapping, mappings
from kos.platform.host.clock import wall_ns
from kos.sched.structs import machine

RAM_DEV = 0x1D  #: st_dev of the ram file system
PROC_DEV = 0x16


def alloc_inode(kind: int, mode: int) -> Inode:
    """A new inode with one reference, the caller's; fs_lock held. Raises ENOSPC."""
    inode = inodes.alloc()
    if inode is None:
        raise GuestFault(errno.ENOSPC)
    now = wall_ns()
    inode.refs = 1
    inode.kind = kind
    inode.mode = mode
    inode.nlink = 1
    inode.uid = machine.s.uid
    inode.gid = machine.s.gid
    inode.atime_ns = inode.mtime_ns = inode.ctime_ns = now
    fs_state.s.next_ino += 1
    inode.ino = fs_state.s.next_ino
    inode.dev = RAM_DEV if kind == I_RAM else PROC_DEV
    lastnames.remember(inode, b"")
    return inode


def get_inode_locked(inode: Inode) -> Inode:
    """One more reference; fs_lock held."""
    inode.refs += 1
    return inode


def put_inode(inode: Inode) -> None:
    """Drop a reference; no lock of the file layer or above is held."""
    with fs_lock:
        gone = put_inode_locked(inode)
    free_inodes(gone)


def put_inode_locked(inode: Inode) -> list[Inode]:
    """Drop a reference; fs_lock held. What must be given to free_inodes() once the lock is released."""
    gone: list[Inode] = []
    while True:
        if not inode.refs:
            raise KernelBug(f"inode {inode.index}: reference dropped below zero")
        inode.refs -= 1
        if inode.refs:
            return gone
        if inode.kind == I_HOST and inode.dirent:
            entry = dirents[inode.dirent]
            if inode.mapping:
                lastnames.remember(inode, dirent.path_to(inodes[entry.dir], dirent.name_of(entry)))
            dirent.remove(entry)  # the cache forgets it, so nobody finds it again
        if inode.mapping:
            lastnames.hand_over(inode, mappings[inode.mapping])
        gone.append(inode)
        if not inode.parent:
            return gone
        inode = inodes[inode.parent]


def free_inodes(gone: list[Inode]) -> None:
    """Free inodes that nobody can reach any more, and their contents; no lock of the file layer held."""
    for inode in gone:
        if inode.mapping:
            mapping = mappings[inode.mapping]
            mapping.owner = 0
            put_mapping(mapping)
    if gone:
        with fs_lock:
            for inode in gone:
                inodes.free(inode)


def give_mapping(inode: Inode) -> None:
    """Give an inode an empty page cache; fs_lock held or the inode not yet published. Raises ENOSPC."""
    try:
        mapping = mapping_alloc()
    except GuestFault:
        raise GuestFault(errno.ENOSPC) from None
    own_mapping(inode, mapping)


def own_mapping(inode: Inode, mapping: Mapping) -> None:
    """The page cache, new and not seen by anybody else, is the inode's."""
    lastnames.forget_mapping(mapping)
    mapping.owner = inode.index
    inode.mapping = mapping.index


def undo_inode(inode: Inode) -> None:
    """Free an inode that nobody else has seen; fs_lock held."""
    if inode.mapping:
        put_mapping(mappings[inode.mapping])
    inodes.free(inode)


def size_of(inode: Inode) -> int:
    """Length in bytes: the page cache's where there is one, else what the host or the directory says."""
    return int(mappings[inode.mapping].size) if inode.mapping else int(inode.size)


def is_dir(inode: Inode) -> bool:
    return stat.S_ISDIR(inode.mode)


def is_symlink(inode: Inode) -> bool:
    return stat.S_ISLNK(inode.mode)


def is_regular(inode: Inode) -> bool:
    return stat.S_ISREG(inode.mode)
