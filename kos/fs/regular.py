"""Regular files: their bytes live in the page cache, so that read, write and mmap see one copy.

Two locks, taken in this order: the open file's, which makes `offset, move, advance` one step for all who share
the offset over fork and dup; then the inode's, which makes each read and write one step for the file's size and
contents. User memory is read before and written while they are held: a fault may need a mapping's lock, which
comes after both, and never one of these.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from kos.errors import GuestFault
from kos.fs import limit
from kos.fs.file import OPS, Ops
from kos.fs.inode import put_inode, size_of
from kos.fs.structs import F_DIR, F_PLACE, F_REG, I_PROC, I_RAM, File, Inode, inode_locks, inodes, pos_locks
from kos.mm import pagecache
from kos.mm.structs import mappings
from kos.params import PAGE_SIZE
from kos.platform.host.clock import wall_ns

if TYPE_CHECKING:
    from kos.fs.iov import Sink, Source

APPEND = -1  #: as pwrite's position: where the file ends (RWF_APPEND)
MAX_FILE = (1 << 63) - 1  #: bytes; offsets are signed
_PIECE = 256 * PAGE_SIZE  #: bytes moved before user memory is asked again


def _check_range(pos: int, n: int) -> None:
    """Linux: rw_verify_area(). What it would reach has to have an offset."""
    if pos + n > MAX_FILE:
        raise GuestFault(errno.EINVAL)


def read_at(inode: Inode, sink: Sink, pos: int) -> int:
    """Move bytes from `pos` on into the sink, until it is full or the file ends; inode lock held. Raises EINVAL."""
    _check_range(pos, sink.room)
    mapping = mappings[inode.mapping]
    moved = 0
    while sink.room:
        data = pagecache.read(mapping, pos, min(sink.room, _PIECE))
        if not data:
            break
        try:
            taken = sink.put(data)
        except GuestFault:
            if not moved:
                raise
            break
        moved += taken
        pos += taken
        if taken < len(data):
            break
    return moved


def write_at(inode: Inode, source: Source, pos: int) -> int:
    """Write at `pos`, as much as there is memory for; inode lock held.

    Raises EINVAL, EFBIG (the limit), ENOSPC, EFAULT, if nothing was written.
    """
    _check_range(pos, source.len)
    total = limit.room_from(pos, source.len)
    mapping = mappings[inode.mapping]
    done = 0
    while done < total:
        n = min(total - done, _PIECE)
        try:
            moved = pagecache.write(mapping, pos + done, source.get(done, n))
        except GuestFault:
            if not done:
                raise
            break
        done += moved
        if moved < n:
            break
    if done:
        inode.mtime_ns = inode.ctime_ns = wall_ns()
    return done


def truncate(inode: Inode, size: int) -> None:
    """Make a file `size` bytes long; what is mapped past its end is gone. A reference held, no lock. Raises EFBIG."""
    with inode_locks[inode.index]:
        if size > size_of(inode):
            limit.check_growth(size)
        pagecache.truncate(mappings[inode.mapping], size)
        inode.mtime_ns = inode.ctime_ns = wall_ns()


def reach(inode: Inode, size: int) -> None:
    """Make a file at least `size` bytes long. A reference held, no lock. Raises EFBIG."""
    with inode_locks[inode.index]:
        if size > size_of(inode):
            limit.check_growth(size)
            pagecache.truncate(mappings[inode.mapping], size)
            inode.mtime_ns = inode.ctime_ns = wall_ns()


class _Regular(Ops):
    """Files of /tmp, memfds, host files (which cannot be opened for writing) and texts of /proc."""

    def read(self, file: File, sink: Sink) -> int:
        inode = inodes[file.inode]
        with pos_locks[file.index]:
            with inode_locks[inode.index]:
                n = read_at(inode, sink, file.pos)
            file.pos += n
        return n

    def write(self, file: File, source: Source) -> int:
        if not source.len:
            return 0
        inode = inodes[file.inode]
        with pos_locks[file.index]:
            with inode_locks[inode.index]:
                pos = size_of(inode) if file.flags & os.O_APPEND else file.pos
                n = write_at(inode, source, pos)
            file.pos = pos + n
        return n

    def pread(self, file: File, sink: Sink, pos: int) -> int:
        inode = inodes[file.inode]
        with inode_locks[inode.index]:
            return read_at(inode, sink, pos)

    def pwrite(self, file: File, source: Source, pos: int) -> int:
        if not source.len:
            return 0
        inode = inodes[file.inode]
        with inode_locks[inode.index]:
            # Linux's pwrite appends to a file opened with O_APPEND, wherever it is told to write (pwrite(2), BUGS).
            at_end = pos == APPEND or file.flags & os.O_APPEND
            return write_at(inode, source, size_of(inode) if at_end else pos)

    def seek(self, file: File, offset: int, whence: int) -> int:
        inode = inodes[file.inode]
        with pos_locks[file.index]:
            size = size_of(inode)
            if whence > os.SEEK_CUR and inode.kind == I_PROC:
                raise GuestFault(errno.EINVAL)  # seq_lseek(): a text has no end to count from
            if whence == os.SEEK_CUR:
                offset += file.pos
            elif whence == os.SEEK_END:
                offset += size
            elif whence in (os.SEEK_DATA, os.SEEK_HOLE):
                offset = self._seek_data(inode, offset, size, whence)
            if not 0 <= offset <= MAX_FILE:
                raise GuestFault(errno.EINVAL)
            file.pos = offset
        return offset

    def _seek_data(self, inode: Inode, offset: int, size: int, whence: int) -> int:
        """The next offset, page by page, that has data, or that has none."""
        if not 0 <= offset < size:
            raise GuestFault(errno.ENXIO)
        mapping = mappings[inode.mapping]
        with inode_locks[inode.index]:
            while offset < size:
                if bool(pagecache.find_page(mapping, offset // PAGE_SIZE)) == (whence == os.SEEK_DATA):
                    return offset
                offset = (offset // PAGE_SIZE + 1) * PAGE_SIZE
        if whence == os.SEEK_DATA:
            raise GuestFault(errno.ENXIO)
        return size

    def truncate(self, file: File, size: int) -> None:
        inode = inodes[file.inode]
        if inode.kind != I_RAM:
            raise GuestFault(errno.EINVAL)
        truncate(inode, size)

    def release(self, file: File) -> None:
        put_inode(inodes[file.inode])


class _Directory(Ops):
    """An open directory: to be listed, and to be changed to."""

    def read(self, file: File, sink: Sink) -> int:
        raise GuestFault(errno.EISDIR)

    def pread(self, file: File, sink: Sink, pos: int) -> int:
        raise GuestFault(errno.EISDIR)

    def seek(self, file: File, offset: int, whence: int) -> int:
        with pos_locks[file.index]:
            if whence == os.SEEK_CUR:
                offset += file.pos
            elif whence != os.SEEK_SET:
                raise GuestFault(errno.EINVAL)
            if offset < 0:
                raise GuestFault(errno.EINVAL)
            file.pos = offset
        return offset

    def release(self, file: File) -> None:
        put_inode(inodes[file.inode])


class _Place(Ops):
    """O_PATH: says where it is, and that is all."""

    def read(self, file: File, sink: Sink) -> int:
        raise GuestFault(errno.EBADF)

    def pread(self, file: File, sink: Sink, pos: int) -> int:
        raise GuestFault(errno.EBADF)

    def pwrite(self, file: File, source: Source, pos: int) -> int:
        raise GuestFault(errno.EBADF)

    def seek(self, file: File, offset: int, whence: int) -> int:
        raise GuestFault(errno.EBADF)

    def poll(self, file: File) -> int:
        raise GuestFault(errno.EBADF)

    def release(self, file: File) -> None:
        put_inode(inodes[file.inode])


OPS[F_REG] = _Regular()
OPS[F_DIR] = _Directory()
OPS[F_PLACE] = _Place()
