r"""The structures of the file layer and the locks that guard them. Read this first.

    FdTable --fd--> File --> Inode --> page cache        (regular file, directory, device, /proc text)
                         \-> Pipe                         (either end)
                         \-> Stream                       (console)
    FsContext --> Inode (current directory), umask
    Dirent    --> Inode (a name in a directory; found through a hash of directory and name)

Who may hold what: reference counts of open files are atomic words, because a descriptor table's lock and a
file's own lock have one rank and are never held together. Reference counts of inodes change under `fs_lock`,
which every path walk holds anyway. The order is fs, files, inode, pipe (kos/sync/order.py).
"""

from __future__ import annotations

import ctypes
from typing import Annotated, Any

from kos.arena.layout import Chars, Struct, i64, layout, u32, u64
from kos.arena.table import Alone, Column, Region, Table
from kos.params import PAGE_SIZE, Params
from kos.sched.structs import WaitQueue
from kos.sync.spinlock import LockPool, SpinLock

NR_OPEN = 65536  #: no descriptor is ever this large, whatever RLIMIT_NOFILE says (Linux: fs.nr_open)
NR_FILES = 131072  #: open-file descriptions of the machine (Linux: fs.file-max)
NR_INODES = 65536
NR_DIRENTS = 65536
NR_PIPES = 16384
NR_CHUNKS = 16384
NAME_MAX = 255
PATH_MAX = 4096
SYMLINK_MAX = 40  #: links followed in one walk (Linux: MAXSYMLINKS)
CLOEXEC = 1 << 31  #: close-on-exec, kept beside the file's slot in a descriptor's word
FD_INLINE = 64  #: descriptors whose words lie in the table itself
FD_CHUNK = 256  #: descriptors in each further chunk
NR_TABLE_CHUNKS = 256  #: chunks that one table can have
PIPE_PAGES = 16  #: Linux: PIPE_DEF_BUFFERS
PIPE_SIZE = PIPE_PAGES * PAGE_SIZE
PIPE_BUF = 4096  #: a write of at most so many bytes is never mixed with others

# File.kind: which operations apply (kos/fs/file.py's table).
F_REG, F_DIR, F_PIPE_R, F_PIPE_W, F_CONSOLE, F_DEVICE, F_LIVE, F_PLACE = range(1, 9)
# Inode.kind: where names and contents come from.
I_RAM, I_HOST, I_PROC, I_DEVICE = range(1, 5)
# Inode.flags
IF_READ_ONLY = 1  #: nothing in or of it may be changed: EROFS
IF_SHOWS_HOST = 2  #: a directory in which the host's folder of the same path shows through
IF_PINNED = 4  #: a directory that the machine needs where it is: EBUSY
# Inode.device
DEV_NULL, DEV_ZERO, DEV_FULL, DEV_TTY, DEV_RANDOM = range(1, 6)


@layout(size=64)
class File(Struct):
    """Open-file description: what dup and fork share. Linux: struct file."""

    # atomic (kos.platform.host.atomic), no lock; first field, so that its address is the structure's:
    refcount: u64  #: descriptors, mapped regions and calls in progress; 0 = free
    # written before the file is published, constant afterwards:
    kind: u32  #: F_*
    inode: u32  #: inode slot, a reference is held; 0 = none
    pipe: u32  #: pipe slot; 0 = none
    stream: u32  #: console stream 0, 1 or 2
    # pos_locks[index] held (flags are read without it):
    pos: u64  #: file offset in bytes; for a directory, entries read
    flags: u32  #: O_ACCMODE and the flags F_SETFL changes
    pad: Annotated[Chars, ctypes.c_char * 28]


@layout(size=1344)
class FdTable(Struct):
    """Descriptor table: small numbers to open files; shared by CLONE_FILES. Linux: files_struct."""

    # table_locks[index] held:
    refcount: u32  #: tasks that use it; 0 = free
    high: u32  #: every open descriptor lies below
    next_free: u32  #: no free descriptor lies below
    nr_open: u32
    pad: Annotated[Chars, ctypes.c_char * 48]
    first: Annotated[Any, ctypes.c_uint32 * FD_INLINE]  #: file slot | CLOEXEC; 0 = closed
    chunks: Annotated[Any, ctypes.c_uint32 * NR_TABLE_CHUNKS]  #: slots of FdChunk; 0 = not there yet


@layout(size=1024)
class FdChunk(Struct):
    """FD_CHUNK further words of one descriptor table; guarded by that table's lock."""

    fds: Annotated[Any, ctypes.c_uint32 * FD_CHUNK]


@layout(size=16)
class FsContext(Struct):
    """Current directory and file mode mask; shared by CLONE_FS. Linux: fs_struct."""

    # fs_lock held:
    refcount: u32  #: tasks that use it
    cwd: u32  #: inode slot of a directory, a reference is held
    umask: u32
    pad: u32


@layout(size=128)
class Inode(Struct):
    """A file, directory, link or device. Linux: struct inode."""

    # fs_lock held:
    refs: u32  #: open files, names in ram directories, children's `parent`, current directories, walks
    nlink: u32  #: names, as stat shows them
    kind: u32  #: I_*; constant
    mode: u32  #: S_IF* and permissions
    uid: u32
    gid: u32
    flags: u32  #: IF_*
    parent: u32  #: directory above (a reference is held); of directories and host and proc inodes
    dirent: u32  #: the entry that names a directory or host inode; 0 = none or removed
    first: u32  #: directory: first Dirent of its list; 0 = empty
    nr_entries: u32  #: directory: entries in the list
    device: u32  #: DEV_* of a device; entry number of a proc inode
    pid: u32  #: process that a proc inode is about; 0 = the machine
    # inode_locks[index] held:
    mapping: u32  #: page cache slot, which knows the size of what it has; a reference is held; 0 = none
    size: u64  #: bytes, where there is no page cache
    # fs_lock or inode_locks[index] held; wall clock, ns:
    atime_ns: i64
    mtime_ns: i64
    ctime_ns: i64
    ino: u64  #: the number that stat shows
    dev: u64
    pad: Annotated[Chars, ctypes.c_char * 24]


@layout(size=288)
class Dirent(Struct):
    """One name in one directory. fs_lock guards all of it. Linux: struct dentry."""

    dir: u32  #: inode slot of the directory
    inode: u32  #: what it names
    next: u32  #: in the directory's list
    prev: u32  #: 0 = first
    hash_next: u32  #: in the hash bucket
    len: u32  #: bytes of the name
    name: Annotated[Any, ctypes.c_uint8 * 264]


@layout(size=128)
class PipeSlots(Struct):
    """Which bytes of each of a pipe's pages hold data. Linux: pipe_buffer[16]."""

    start: Annotated[Any, ctypes.c_uint32 * PIPE_PAGES]  #: offset of the first unread byte
    len: Annotated[Any, ctypes.c_uint32 * PIPE_PAGES]  #: unread bytes


@layout(size=192)
class Pipe(Struct):
    """A pipe: a ring of 16 pages, as in Linux, so that it is full exactly when Linux's is.

    pipe_locks[index] guards all of it; the data of page k lies in pipe_data.
    """

    head: u32  #: pages ever filled (mod 2**32); the ring holds head - tail pages
    tail: u32  #: pages ever emptied
    readers: u32  #: open-file descriptions of the read end
    writers: u32
    ino: u32
    bytes: u32  #: unread bytes
    nr_pages: u32  #: pages that may be filled at once, of the 16 that there are; F_SETPIPE_SZ
    pad0: u32
    read_wait: Annotated[WaitQueue, WaitQueue]  #: readers of an empty pipe
    write_wait: Annotated[WaitQueue, WaitQueue]  #: writers of a full pipe
    slots: Annotated[PipeSlots, PipeSlots]
    ctime_ns: i64
    pad: Annotated[Chars, ctypes.c_char * (192 - 32 - 2 * ctypes.sizeof(WaitQueue) - 128 - 8)]


@layout(size=32)
class FsCounters(Struct):
    """Numbers that grow; fs_lock held."""

    next_ino: u64
    nr_opens: u64
    root: u32  #: inode of /
    proc: u32  #: inode of /proc
    pad: u64


files: Table[File] = Table(File, "files", NR_FILES)
fd_tables: Table[FdTable] = Table(FdTable, "fd_tables", lambda p: p.nr_tasks, words="I")
fd_chunks: Table[FdChunk] = Table(FdChunk, "fd_chunks", NR_CHUNKS, words="I")
contexts: Table[FsContext] = Table(FsContext, "contexts", lambda p: p.nr_tasks)
inodes: Table[Inode] = Table(Inode, "inodes", NR_INODES)
dirents: Table[Dirent] = Table(Dirent, "dirents", NR_DIRENTS)
dirent_hash = Column("dirent_hash", "I", 16384)  #: bucket -> first Dirent; fs_lock
pipes: Table[Pipe] = Table(Pipe, "pipes", NR_PIPES, words="I")
pipe_data = Region("pipe_data", NR_PIPES * PIPE_SIZE)  #: sparse: costs what pipes have really held
fs_state: Alone[FsCounters] = Alone(FsCounters, "fs_state")

fs_lock = SpinLock("fs", "fs")  #: names, directories, inode references, fs contexts, their free lists
files_lock = SpinLock("files", "files")  #: the free lists of files, fd_tables and fd_chunks
table_locks = LockPool("fd_table", "files")  #: one descriptor table each
pos_locks = LockPool("file_pos", "files")  #: one open file's offset and flags each
inode_locks = LockPool("inode", "inode")  #: one file's size and contents against each other
pipe_locks = LockPool("pipe", "pipe")
pipes_lock = SpinLock("pipes", "pipe")  #: the free list of pipes


def nr_inodes(_params: Params) -> int:
    """Capacity of the inode table, for columns that stand beside it."""
    return NR_INODES
