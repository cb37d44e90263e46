"""What files were called that have no name any more: /proc shows them as Linux's d_path() does, `/tmp/f (deleted)`.

Kept beside the inode, and beside the page cache once the inode is gone: a file that was unlinked and closed lives on
while it is mapped. Both are arrays with a place for every slot, of which only what is used takes memory.
"""

from __future__ import annotations

import struct

from kos.arena.table import Region
from kos.fs.structs import NR_INODES, Inode
from kos.mm.structs import NR_MAPPINGS, Mapping

_ROOM = 512  #: bytes of a record; what a longer path has beyond is not shown
_HEAD = struct.Struct("<QQH")  #: st_dev, st_ino, bytes of the name

# fs_lock held:
_of_inodes = Region("last_names", NR_INODES * _ROOM)
_of_mappings = Region("mapped_last_names", NR_MAPPINGS * _ROOM)


def _put(records: Region, slot: int, dev: int, ino: int, name: bytes) -> None:
    at = slot * _ROOM
    name = name[: _ROOM - _HEAD.size]
    _HEAD.pack_into(records.buf, at, dev, ino, len(name))
    records.buf[at + _HEAD.size : at + _HEAD.size + len(name)] = name


def _get(records: Region, slot: int) -> tuple[int, int, bytes]:
    at = slot * _ROOM
    dev, ino, length = _HEAD.unpack_from(records.buf, at)
    return dev, ino, bytes(records.buf[at + _HEAD.size : at + _HEAD.size + length])


def remember(inode: Inode, name: bytes) -> None:
    """What /proc is to show of the inode from now on; b"" = it never had a name. fs_lock held."""
    _put(_of_inodes, inode.index, inode.dev, inode.ino, name)


def recall(inode: Inode) -> bytes:
    """The name that was remembered last; fs_lock held."""
    return _get(_of_inodes, inode.index)[2]


def hand_over(inode: Inode, mapping: Mapping) -> None:
    """The inode is about to go, and its page cache may stay; fs_lock held."""
    _put(_of_mappings, mapping.index, inode.dev, inode.ino, recall(inode))


def forget_mapping(mapping: Mapping) -> None:
    """A new page cache has no record yet; fs_lock held, or nobody has seen it."""
    _put(_of_mappings, mapping.index, 0, 0, b"")


def recall_mapping(mapping: Mapping) -> tuple[int, int, bytes]:
    """st_dev, st_ino and name of the file that this page cache was of; fs_lock held."""
    return _get(_of_mappings, mapping.index)
