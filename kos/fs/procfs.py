"""/proc: the tree, and how a text comes into being when its file is opened.

Nothing of it is stored. A walk makes an inode for what it passes and it goes with the walk; an open asks the
provider that registered the name, puts what it says into a page cache of its own, and from then on the file is
a regular one: a reader sees the machine as it was at the open, however slowly it reads. What is too large to be
written down at once (pagemap) is a live file: each read asks again.

    register("meminfo", text)             /proc/meminfo            text(None) -> str
    register("maps", text, of_task=True)  /proc/<pid>/maps         text(task) -> str, tasklist_lock held
    register_live("pagemap", read)        /proc/<pid>/pagemap      read(task, pos, n) -> bytes, tasklist_lock held
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from kos.errors import GuestFault
from kos.fs import fdtable
from kos.fs.file import OPS, Ops, alloc_file
from kos.fs.inode import alloc_inode, get_inode_locked, give_mapping, put_inode, undo_inode
from kos.fs.structs import F_LIVE, F_REG, I_PROC, IF_READ_ONLY, File, Inode, fd_tables, fs_lock, inodes, pos_locks
from kos.hw.cpu import this
from kos.mm import pagecache
from kos.mm.structs import mappings
from kos.params import PID_MAX
from kos.sched.structs import Task, find_task, pid_refs, pid_tasks, tasklist_lock, tasks

if TYPE_CHECKING:
    from kos.fs.iov import Sink

Text = Callable[[Task | None], str | bytes]
Live = Callable[[Task, int, int], bytes]

# Inode.device of a proc inode: what it is; from FIRST_ENTRY on, an index into the registered names.
TOP, PID_DIR, FD_DIR, FD_LINK, SELF_LINK, CWD_LINK, FIRST_ENTRY = range(7)


class _Entry:
    """A registered name; either text or live is set."""

    __slots__ = ("live", "name", "number", "text")

    def __init__(self, name: bytes, number: int, text: Text | None, live: Live | None) -> None:
        self.name = name
        self.number = number
        self.text = text
        self.live = live


_all: list[_Entry] = []  #: by number - FIRST_ENTRY; filled at import, so the same in every CPU process
_of_machine: dict[bytes, _Entry] = {}
_of_task: dict[bytes, _Entry] = {}


class _Hooks:
    """What kos.fs.open knows, and answers for links; set at boot. fs_lock is held."""

    path_of_file: Callable[[File], bytes]  #: what a descriptor leads to
    cwd_of: Callable[[int], bytes]  #: current directory of a task, by pid


hooks = _Hooks()


def _add(name: str, text: Text | None, live: Live | None, of_task: bool) -> None:
    entry = _Entry(name.encode(), FIRST_ENTRY + len(_all), text, live)
    _all.append(entry)
    (_of_task if of_task else _of_machine)[entry.name] = entry


def register(name: str, text: Text, *, of_task: bool = False) -> None:
    """Name a file of /proc (of_task: of every /proc/<pid>); at import time, before the CPUs are forked."""
    _add(name, text, None, of_task)


def register_live(name: str, read: Live) -> None:
    """Name a file of every /proc/<pid> that is produced piece by piece."""
    _add(name, None, read, True)


# --- the tree -------------------------------------------------------------------------------------


def _new(parent: Inode, what: int, mode: int, pid: int) -> Inode:
    inode = alloc_inode(I_PROC, mode)
    inode.device = what
    inode.pid = pid
    inode.flags = IF_READ_ONLY
    inode.ino = 0xF0000000 + (pid << 12) + what  # the same at every look
    inode.parent = get_inode_locked(parent).index
    if stat.S_ISDIR(mode):
        inode.nlink = 2
    return inode


def make_root(parent: Inode) -> Inode:
    """The inode of /proc, with one reference; at boot."""
    return _new(parent, TOP, stat.S_IFDIR | 0o555, 0)


def _exists(pid: int) -> bool:
    """Is there such a task now? Read without a lock: it may end at any time anyway."""
    return 0 < pid < PID_MAX and bool(pid_tasks.v[pid]) and bool(pid_refs.v[pid])


def lookup(directory: Inode, name: bytes) -> Inode | None:
    """An entry of a /proc directory, with a reference for the caller; fs_lock held."""
    what = directory.device
    if what == TOP:
        if name == b"self":
            return _new(directory, SELF_LINK, stat.S_IFLNK | 0o777, 0)
        if name.isdigit() and name[:1] != b"0" and len(name) < 9 and _exists(int(name)):
            return _new(directory, PID_DIR, stat.S_IFDIR | 0o555, int(name))
        entry = _of_machine.get(name)
        return _new(directory, entry.number, stat.S_IFREG | 0o444, 0) if entry else None
    if what == PID_DIR:
        pid = directory.pid
        if name == b"fd":
            return _new(directory, FD_DIR, stat.S_IFDIR | 0o500, pid)
        if name == b"cwd":
            return _new(directory, CWD_LINK, stat.S_IFLNK | 0o777, pid)
        entry = _of_task.get(name)
        return _new(directory, entry.number, stat.S_IFREG | 0o444, pid) if entry else None
    if what == FD_DIR and name.isdigit():
        if any(fd == int(name) for fd, _, _ in _descriptors(directory.pid)):
            link = _new(directory, FD_LINK, stat.S_IFLNK | 0o700, directory.pid)
            link.size = int(name)
            return link
    return None


def name_of(inode: Inode) -> bytes:
    """What its directory calls an inode of /proc."""
    what = inode.device
    if what >= FIRST_ENTRY:
        return _all[what - FIRST_ENTRY].name
    if what == PID_DIR:
        return str(inode.pid).encode()
    return {FD_DIR: b"fd", SELF_LINK: b"self", CWD_LINK: b"cwd"}.get(what) or str(inode.size).encode()


def _descriptors(pid: int) -> list[tuple[int, File, bool]]:
    """What a task has open. Read without tasklist_lock: of a task that is just ending, it may be nothing."""
    slot = pid_tasks.v[pid]
    table = tasks[slot].files if slot else 0
    return fdtable.open_files(fd_tables[table]) if table else []


def link_target(inode: Inode) -> bytes:
    """What a link of /proc says; fs_lock held."""
    if inode.device == SELF_LINK:
        return str(this.task.tgid).encode()
    if inode.device == CWD_LINK:
        return hooks.cwd_of(inode.pid)
    for fd, file, _ in _descriptors(inode.pid):
        if fd == inode.size:
            return hooks.path_of_file(file)
    raise GuestFault(errno.ENOENT)


def names(directory: Inode) -> list[bytes]:
    """What a directory of /proc lists; no lock held."""
    if directory.device == TOP:
        with tasklist_lock:
            pids = [pid for pid, slot in enumerate(pid_tasks.v) if slot and tasks[slot].is_leader]
        return [str(pid).encode() for pid in pids] + [b"self", *_of_machine]
    if directory.device == PID_DIR:
        return [b"cwd", b"fd", *_of_task]
    return [str(fd).encode() for fd, _, _ in _descriptors(directory.pid)]


# --- opening --------------------------------------------------------------------------------------


def open_inode(inode: Inode, flags: int) -> File:
    """Open a file of /proc; takes over the caller's reference. No lock held. Raises ESRCH, ENOMEM."""
    entry = _all[inode.device - FIRST_ENTRY]
    if entry.live is not None:
        return alloc_file(F_LIVE, flags, inode=inode.index)
    text = _ask(entry, inode.pid)
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    with fs_lock:
        copy = alloc_inode(I_PROC, inode.mode)
        try:
            give_mapping(copy)
            if pagecache.write(mappings[copy.mapping], 0, data) < len(data):
                raise GuestFault(errno.ENOMEM)
        except GuestFault:
            undo_inode(copy)
            raise GuestFault(errno.ENOMEM) from None
        mappings[copy.mapping].owner = 0
        copy.device, copy.pid, copy.flags, copy.ino = inode.device, inode.pid, inode.flags, inode.ino
        copy.parent = get_inode_locked(inodes[inode.parent]).index
    try:
        file = alloc_file(F_REG, flags, inode=copy.index)
    except GuestFault:
        put_inode(copy)
        raise
    put_inode(inode)
    return file


def _ask(entry: _Entry, pid: int) -> str | bytes:
    assert entry.text is not None
    if not pid:
        return entry.text(None)
    with tasklist_lock:
        task = find_task(pid)
        if task is None:
            raise GuestFault(errno.ESRCH)
        return entry.text(task)


class _LiveFile(Ops):
    """A file of /proc that is asked at every read."""

    def read(self, file: File, sink: Sink) -> int:
        with pos_locks[file.index]:
            pos = file.pos
        n = self.pread(file, sink, pos)
        with pos_locks[file.index]:
            file.pos = pos + n
        return n

    def pread(self, file: File, sink: Sink, pos: int) -> int:
        inode = inodes[file.inode]
        entry = _all[inode.device - FIRST_ENTRY]
        assert entry.live is not None
        with tasklist_lock:
            task = find_task(inode.pid)
            if task is None:
                return 0
            data = entry.live(task, pos, min(sink.room, 1 << 20))
        return sink.put(data) if data else 0

    def seek(self, file: File, offset: int, whence: int) -> int:
        with pos_locks[file.index]:
            if whence == 1:
                offset += file.pos
            elif whence != 0:
                raise GuestFault(errno.EINVAL)
            if offset < 0:
                raise GuestFault(errno.EINVAL)
            file.pos = offset
        return offset

    def release(self, file: File) -> None:
        put_inode(inodes[file.inode])


OPS[F_LIVE] = _LiveFile()
