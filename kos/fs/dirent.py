"""Names in directories: a list for each directory, newest first as in tmpfs, and one hash over all of them.

fs_lock is held by every caller. The hash must be the same in every CPU process, so it is not Python's hash().
"""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Iterator
from zlib import crc32

from kos.errors import GuestFault, KernelBug
from kos.fs.structs import Dirent, Inode, dirent_hash, dirents, inodes

_NAME_AT: int = Dirent.name.offset


def _bucket(directory: int, name: bytes) -> int:
    return crc32(name, directory * 0x9E3779B1 & 0xFFFFFFFF) & (len(dirent_hash.v) - 1)


def name_of(entry: Dirent) -> bytes:
    """The name, as bytes of the file system's encoding."""
    return ctypes.string_at(ctypes.addressof(entry) + _NAME_AT, entry.len)


def path_to(directory: Inode, name: bytes) -> bytes:
    """Absolute path of a name in a directory; of a directory without a name, from there."""
    parts = [name]
    while directory.dirent:
        entry = dirents[directory.dirent]
        parts.append(name_of(entry))
        directory = inodes[entry.dir]
    return b"/" + b"/".join(reversed(parts))


def find(directory: Inode, name: bytes) -> Dirent | None:
    """The entry called `name`."""
    slot = dirent_hash.v[_bucket(directory.index, name)]
    while slot:
        entry = dirents[slot]
        if entry.dir == directory.index and name_of(entry) == name:
            return entry
        slot = entry.hash_next
    return None


def insert(directory: Inode, name: bytes, inode: Inode) -> Dirent:
    """Enter a name; it holds no reference by itself: that is the caller's to give. Raises ENOSPC."""
    entry = dirents.alloc()
    if entry is None:
        raise GuestFault(errno.ENOSPC)
    entry.dir = directory.index
    entry.inode = inode.index
    entry.len = len(name)
    ctypes.memmove(ctypes.addressof(entry) + _NAME_AT, name, len(name))
    entry.next = directory.first
    if directory.first:
        dirents[directory.first].prev = entry.index
    directory.first = entry.index
    directory.nr_entries += 1
    bucket = _bucket(directory.index, name)
    entry.hash_next = dirent_hash.v[bucket]
    dirent_hash.v[bucket] = entry.index
    if not inode.dirent:
        inode.dirent = entry.index
    return entry


def remove(entry: Dirent) -> None:
    """Take a name out of its directory and free the entry."""
    directory = inodes[entry.dir]
    if entry.prev:
        dirents[entry.prev].next = entry.next
    else:
        directory.first = entry.next
    if entry.next:
        dirents[entry.next].prev = entry.prev
    directory.nr_entries -= 1
    bucket = _bucket(entry.dir, name_of(entry))
    slot = dirent_hash.v[bucket]
    if slot == entry.index:
        dirent_hash.v[bucket] = entry.hash_next
    else:
        while dirents[slot].hash_next != entry.index:
            slot = dirents[slot].hash_next
            if not slot:
                raise KernelBug(f"directory entry {entry.index} is not in its hash bucket")
        dirents[slot].hash_next = entry.hash_next
    inode = inodes[entry.inode]
    if inode.dirent == entry.index:
        inode.dirent = 0
    dirents.free(entry)


def entries(directory: Inode) -> Iterator[Dirent]:
    """Every entry of a directory."""
    slot = directory.first
    while slot:
        entry = dirents[slot]
        slot = entry.next
        yield entry
