"""What stat and fstat say.

(mode, ino, dev, nlink, uid, gid, size, atime_ns, mtime_ns, ctime_ns, blksize, blocks, rdev)
"""

from __future__ import annotations

import stat as modes

from kos.fs import console
from kos.fs.devices import RDEV
from kos.fs.inode import size_of
from kos.fs.structs import F_CONSOLE, F_PIPE_R, F_PIPE_W, I_DEVICE, I_PROC, I_RAM, File, Inode, inodes, pipes
from kos.mm.structs import mappings
from kos.params import PAGE_SIZE
from kos.sched.structs import machine

Stat = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int]
PIPE_DEV = 0xE
CONSOLE_DEV = 0x18


def stat_inode(inode: Inode) -> Stat:
    """A reference to the inode is held; no lock is needed for a look."""
    size = size_of(inode)
    if inode.kind == I_PROC and modes.S_ISREG(inode.mode):
        size = 0  # a text is made when it is read
    if modes.S_ISDIR(inode.mode) and not size:
        size = 60 + 20 * inode.nr_entries  # about what tmpfs says
    return (
        inode.mode,
        inode.ino,
        inode.dev,
        inode.nlink,
        inode.uid,
        inode.gid,
        size,
        inode.atime_ns,
        inode.mtime_ns,
        inode.ctime_ns,
        PAGE_SIZE,
        _pages(inode, size) * (PAGE_SIZE // 512) if modes.S_ISREG(inode.mode) else 0,
        RDEV[inode.device] if inode.kind == I_DEVICE else 0,
    )


def _pages(inode: Inode, size: int) -> int:
    """Pages that a file takes: holes take none. A host file need not be in memory."""
    if inode.kind == I_RAM and inode.mapping:
        return int(mappings[inode.mapping].nr_pages)
    return (size + PAGE_SIZE - 1) // PAGE_SIZE


def stat_file(file: File) -> Stat:
    """fstat: a reference to the file is held."""
    if file.kind in (F_PIPE_R, F_PIPE_W):
        pipe = pipes[file.pipe]
        t = pipe.ctime_ns
        mode = modes.S_IFIFO | 0o600
        return mode, pipe.ino, PIPE_DEV, 1, machine.s.uid, machine.s.gid, 0, t, t, t, PAGE_SIZE, 0, 0
    if file.kind == F_CONSOLE and not file.inode:
        mode = console.mode_of(file.stream)
        ino = 3 + (file.stream if not modes.S_ISCHR(mode) else 0)
        return mode, ino, CONSOLE_DEV, 1, machine.s.uid, machine.s.gid, 0, 0, 0, 0, 1024, 0, 0
    return stat_inode(inodes[file.inode])
