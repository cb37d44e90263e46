"""Open-file descriptions: made by open and pipe, shared by dup and fork, gone with their last reference.

What a file does is decided by its kind: each mechanism (regular.py, pipe.py, console.py, ...) puts its Ops
into OPS. The reference count is an atomic word: whoever raises it has a reference already, or holds the lock
of a descriptor table that has one; so a count that has fallen to zero stays there.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING

from kos.errors import GuestFault, KernelBug
from kos.fs.iov import Buffer, BytesSink, BytesSource
from kos.fs.structs import File, files, files_lock, pos_locks
from kos.platform.host.atomic import MASK64, fetch_add64
from kos.traps import Wait

if TYPE_CHECKING:
    from kos.fs.iov import Sink, Source
    from kos.sched.structs import Task

SETTABLE = os.O_APPEND | os.O_NONBLOCK | os.O_ASYNC | os.O_DIRECT | os.O_NOATIME  #: what F_SETFL may change
POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL = 1, 2, 4, 8, 16, 32
# Task.restart, as writes use it; the other words are free for other calls.
DONE = 0  #: bytes that the call has written so far
IS_WRITE = 3  #: WRITING while a write waits
WRITING = 0x77726974  #: "writ"
_DEFAULT_POLL = POLLIN | POLLOUT | 0x40 | 0x100  #: with POLLRDNORM, POLLWRNORM (Linux: DEFAULT_POLLMASK)
_MINUS_ONE = MASK64
_ACCMODE, _READABLE, _WRITABLE = os.O_ACCMODE, (os.O_RDONLY, os.O_RDWR), (os.O_WRONLY, os.O_RDWR)


class Ops:
    """What one kind of file does; the defaults are those of a file that cannot. Linux: file_operations.

    Called with no lock of the file layer held. A call that has to wait has queued the task and returns Wait.
    """

    #: FMODE_PREAD and FMODE_PWRITE: without, pread and pwrite are ESPIPE, before the access mode is looked at.
    has_pread = has_pwrite = True

    def read(self, file: File, sink: Sink) -> int | Wait:
        """Read at the file's offset, advance it; bytes moved, 0 at the end."""
        raise GuestFault(errno.EINVAL)

    def write(self, file: File, source: Source) -> int | Wait:
        raise GuestFault(errno.EINVAL)

    def read_bytes(self, file: File, n: int) -> bytes | Wait:
        """read() of up to n bytes into a buffer of Python's; kinds of files that are in a hurry have their own."""
        sink = BytesSink(n)
        moved = self.read(file, sink)
        return moved if isinstance(moved, Wait) else sink.data()

    def write_bytes(self, file: File, data: Buffer) -> int | Wait:
        """write() of a buffer of Python's."""
        return self.write(file, BytesSource(data))

    def pread(self, file: File, sink: Sink, pos: int) -> int:
        """Read at `pos`; the file's offset is left alone."""
        raise GuestFault(errno.EINVAL)

    def pwrite(self, file: File, source: Source, pos: int) -> int:
        raise GuestFault(errno.EINVAL)

    def seek(self, file: File, offset: int, whence: int) -> int:
        raise GuestFault(errno.ESPIPE)

    def truncate(self, file: File, size: int) -> None:
        raise GuestFault(errno.EINVAL)

    def poll(self, file: File) -> int:
        """What is possible now: POLL* bits."""
        return _DEFAULT_POLL

    def release(self, file: File) -> None:
        """The last reference is gone."""


OPS: dict[int, Ops] = {}  #: File.kind -> operations; filled as the modules are imported


def alloc_file(kind: int, flags: int, *, inode: int = 0, pipe: int = 0, stream: int = 0) -> File:
    """A new open file with one reference, the caller's. Raises ENFILE; nothing is changed then.

    It takes over the caller's reference to the inode, or to the pipe's end.
    """
    with files_lock:
        file = files.alloc()
    if file is None:
        raise GuestFault(errno.ENFILE)
    file.kind = kind
    file.flags = flags
    file.inode = inode
    file.pipe = pipe
    file.stream = stream
    file.refcount = 1
    return file


def get_file(file: File) -> None:
    """One more reference; the caller has one, or holds the lock of a table that has."""
    fetch_add64(ctypes.addressof(file), 1)


def put_file(file: File) -> None:
    """Drop a reference; the last one closes the file. No lock of the file layer or above is held."""
    old = fetch_add64(ctypes.addressof(file), _MINUS_ONE)
    if old == 1:
        OPS[file.kind].release(file)
        with files_lock:
            files.free(file)
    elif old == 0:
        raise KernelBug(f"file {file.index}: reference dropped below zero")


def is_readable(file: File) -> bool:
    """Not for access mode 3, which Linux keeps for ioctl alone."""
    return file.flags & _ACCMODE in _READABLE


def is_writable(file: File) -> bool:
    return file.flags & _ACCMODE in _WRITABLE


def set_flags(file: File, flags: int) -> None:
    """fcntl(F_SETFL): only the flags that may change do."""
    with pos_locks[file.index]:
        file.flags = file.flags & ~SETTABLE | flags & SETTABLE


# --- reading and writing: check the mode, then the kind's own operation -------------------------


def read(file: File, sink: Sink) -> int | Wait:
    if not is_readable(file):
        raise GuestFault(errno.EBADF)
    return OPS[file.kind].read(file, sink)


def write(file: File, source: Source) -> int | Wait:
    if not is_writable(file):
        raise GuestFault(errno.EBADF)
    return OPS[file.kind].write(file, source)


def read_bytes(file: File, n: int) -> bytes | Wait:
    if not is_readable(file):
        raise GuestFault(errno.EBADF)
    return OPS[file.kind].read_bytes(file, n)


def write_bytes(file: File, data: Buffer) -> int | Wait:
    if not is_writable(file):
        raise GuestFault(errno.EBADF)
    return OPS[file.kind].write_bytes(file, data)


def pread(file: File, sink: Sink, pos: int) -> int:
    """read at `pos`. Order of the errors as in Linux's ksys_pread64 and vfs_read."""
    if pos < 0:
        raise GuestFault(errno.EINVAL)
    ops = OPS[file.kind]
    if not ops.has_pread:
        raise GuestFault(errno.ESPIPE)
    if not is_readable(file):
        raise GuestFault(errno.EBADF)
    return ops.pread(file, sink, pos)


def pwrite(file: File, source: Source, pos: int) -> int:
    if pos < 0:
        raise GuestFault(errno.EINVAL)
    ops = OPS[file.kind]
    if not ops.has_pwrite:
        raise GuestFault(errno.ESPIPE)
    if not is_writable(file):
        raise GuestFault(errno.EBADF)
    return ops.pwrite(file, source, pos)


def seek(file: File, offset: int, whence: int) -> int:
    """lseek: the new offset."""
    if not 0 <= whence <= os.SEEK_HOLE:
        raise GuestFault(errno.EINVAL)
    return OPS[file.kind].seek(file, offset, whence)


def poll(file: File) -> int:
    return OPS[file.kind].poll(file)


def interrupted(task: Task) -> int | None:
    """What a waiting call has to answer, now that a signal ends its wait: the bytes already written.

    For the code around system calls: when a task comes back from a Wait because of a signal that is to be
    acted upon, and this is not None, the call is over and this is its result (Linux: a write that has moved
    something returns the count, and EINTR is for one that has not). None: run the handlers and make the call
    again. The restart words are reset.
    """
    if task.restart[IS_WRITE] != WRITING:
        return None
    done = int(task.restart[DONE])
    task.restart[DONE] = task.restart[IS_WRITE] = 0
    return done or None
