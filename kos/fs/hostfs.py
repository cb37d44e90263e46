"""The host's folders inside the guests' tree: read-only, read when they are looked at, at their own paths.

A directory of the ram file system with IF_SHOWS_HOST lets the host's folder of the same absolute path show
through under its own names; everything below comes from the host alone. A host inode lives while somebody uses
it. Its contents are loaded into the page cache when it is opened, so that read and mmap see one copy.
Symbolic links are links here too, followed inside the guests' tree: one that leads out of it leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat

from kos.errors import GuestFault
from kos.fs import dirent
from kos.fs.inode import alloc_inode, get_inode_locked, is_regular, own_mapping
from kos.fs.paths import path_of_locked
from kos.fs.structs import I_HOST, IF_READ_ONLY, IF_SHOWS_HOST, Inode, inode_locks, inodes
from kos.mm import pagecache
from kos.platform.host import files as host


def shows_host(directory: Inode) -> bool:
    return directory.kind == I_HOST or bool(directory.flags & IF_SHOWS_HOST)


def lookup(directory: Inode, name: bytes) -> Inode | None:
    """The host's entry, as an inode with a reference for the caller; fs_lock held."""
    above = path_of_locked(directory)
    if above is None:
        return None
    st = host.lstat(os.path.join(above, name))
    if st is None:
        return None
    inode = alloc_inode(I_HOST, st.st_mode)
    try:
        dirent.insert(directory, name, inode)
    except GuestFault:
        inodes.free(inode)
        raise
    inode.parent = get_inode_locked(directory).index
    inode.flags = IF_READ_ONLY
    copy_stat(inode, st)
    return inode


def copy_stat(inode: Inode, st: host.StatResult) -> None:
    """Let an inode look as the host's file does."""
    inode.mode, inode.nlink, inode.uid, inode.gid = st.st_mode, st.st_nlink, st.st_uid, st.st_gid
    inode.size, inode.ino, inode.dev = st.st_size, st.st_ino, st.st_dev
    inode.atime_ns, inode.mtime_ns, inode.ctime_ns = st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns


def names(path: bytes) -> list[bytes]:
    """What the host lists in a folder; no lock held."""
    try:
        return host.names(path)
    except OSError:
        return []


def link_target(path: bytes) -> bytes:
    """What a host's link says. Raises EIO if it is gone."""
    try:
        return host.link_target(path)
    except OSError:
        raise GuestFault(errno.EIO) from None


def contents(path: bytes) -> bytes:
    """A host file's bytes. Raises EIO or EACCES."""
    try:
        return host.contents(path)
    except OSError as e:
        raise GuestFault(errno.EACCES if e.errno == errno.EACCES else errno.EIO) from None


def load(inode: Inode, path: bytes) -> None:
    """Bring a host file's contents into the page cache, once; a reference to the inode held, no lock.

    Raises ENOMEM, and leaves nothing behind then.
    """
    if not is_regular(inode):
        raise GuestFault(errno.EACCES if not stat.S_ISSOCK(inode.mode) else errno.ENXIO)
    with inode_locks[inode.index]:
        if inode.mapping:
            return
        data = contents(path)
        mapping = pagecache.mapping_alloc()
        try:
            if pagecache.write(mapping, 0, data) < len(data):
                raise GuestFault(errno.ENOMEM)
        except GuestFault:
            pagecache.put_mapping(mapping)
            raise GuestFault(errno.ENOMEM) from None
        own_mapping(inode, mapping)
