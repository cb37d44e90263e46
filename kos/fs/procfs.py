"""/proc: the tree, and how a text comes into being when its file is opened.

Nothing of it is stored. A walk makes an inode for what it passes and it goes with the walk; an open asks the
provider that registered the name, puts what it says into a page cache of its own, and from then on the file is
a regular one: a reader sees the machine as it was at the open, however slowly it reads. What is too large to be
written down at once (pagemap) and what can be written is a live file: each read asks again.

    register("meminfo", text)             /proc/meminfo            text(None) -> str
    register("sys/vm/swappiness", text)   in folders of its own
    register("maps", text, of_task=True)  /proc/<pid>/maps         text(task) -> str, tasklist_lock held
    register_live("pagemap", read)        /proc/<pid>/pagemap      read(task, pos, n) -> bytes, tasklist_lock held
    register_link("exe", target)          /proc/<pid>/exe          target(pid) -> bytes, fs_lock held
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from kos.errors import GuestFault
from kos.fs import fdtable
from kos.fs.file import OPS, Ops, alloc_file, is_readable, is_writable
from kos.fs.inode import alloc_inode, get_inode_locked, give_mapping, put_inode, undo_inode
from kos.fs.structs import F_LIVE, F_REG, I_PROC, IF_READ_ONLY, File, Inode, fd_tables, fs_lock, inodes, pos_locks
from kos.hw.cpu import this
from kos.mm import pagecache
from kos.mm.structs import mappings
from kos.params import PAGE_SIZE, PID_MAX
from kos.sched.structs import (
    Task,
    find_task,
    pid_refs,
    pid_tasks,
    process_of,
    tasklist_lock,
    tasks,
    threads_of,
)

if TYPE_CHECKING:
    from kos.fs.iov import Sink, Source

Text = Callable[[Task | None], str | bytes]
Live = Callable[[Task, int, int], bytes]
Write = Callable[[Task, bytes], None]
Target = Callable[[int], bytes]

# Inode.device of a proc inode: what it is; from FIRST_ENTRY on, an index into the registered names.
TOP, PID_DIR, TASK_DIR, FD_DIR, FDINFO_DIR, FD_LINK, FDINFO, FIRST_ENTRY = range(8)
_FOLDERS = {b"task": (TASK_DIR, 0o555), b"fd": (FD_DIR, 0o500), b"fdinfo": (FDINFO_DIR, 0o555)}  #: of /proc/<pid>
_NAMES = {what: name for name, (what, _) in _FOLDERS.items()}


class _Entry:
    """A registered name: of a text, of what is read live, of a link, or (none of them) of a folder."""

    __slots__ = ("children", "link", "live", "mode", "name", "number", "text", "write")

    def __init__(self, name: bytes, number: int, mode: int) -> None:
        self.name = name
        self.number = number
        self.mode = mode
        self.text: Text | None = None
        self.live: Live | None = None
        self.write: Write | None = None
        self.link: Target | None = None
        self.children: dict[bytes, _Entry] = {}


_all: list[_Entry] = []  #: by number - FIRST_ENTRY; filled at import, so the same in every CPU process
_of_machine: dict[bytes, _Entry] = {}
_of_task: dict[bytes, _Entry] = {}


class _Hooks:
    """What kos.fs.open knows, and answers for links; set at boot. fs_lock is held."""

    path_of_file: Callable[[File], bytes]  #: what a descriptor leads to
    cwd_of: Target  #: current directory of a task
    describe_fd: Callable[[File, bool], str]  #: its text in fdinfo; whether exec closes it


hooks = _Hooks()


def _add(path: str, mode: int, of_task: bool) -> _Entry:
    *folders, name = path.encode().split(b"/")
    table = _of_task if of_task else _of_machine
    for folder in folders:
        if folder not in table:
            table[folder] = _numbered(folder, stat.S_IFDIR | 0o555)
        table = table[folder].children
    table[name] = entry = _numbered(name, mode)
    return entry


def _numbered(name: bytes, mode: int) -> _Entry:
    entry = _Entry(name, FIRST_ENTRY + len(_all), mode)
    _all.append(entry)
    return entry


def register(
    path: str, text: Text, *, of_task: bool = False, write: Write | None = None, mode: int | None = None
) -> None:
    """Name a file of /proc (of_task: of every /proc/<pid>); at import time, before the CPUs are forked."""
    entry = _add(path, stat.S_IFREG | (mode or (0o644 if write else 0o444)), of_task)
    entry.text, entry.write = text, write


def register_live(name: str, read: Live) -> None:
    """Name a file of every /proc/<pid> that is produced piece by piece."""
    _add(name, stat.S_IFREG | 0o400, True).live = read


def register_link(name: str, target: Target, *, of_task: bool = True) -> None:
    """Name a symbolic link."""
    _add(name, stat.S_IFLNK | 0o777, of_task).link = target


# --- the tree -------------------------------------------------------------------------------------


def _new(parent: Inode, what: int, mode: int, pid: int) -> Inode:
    inode = alloc_inode(I_PROC, mode)
    inode.device = what
    inode.pid = pid
    inode.flags = IF_READ_ONLY if what < FIRST_ENTRY or _all[what - FIRST_ENTRY].write is None else 0
    inode.ino = 0xF0000000 + (pid << 12) + what  # the same at every look
    inode.parent = get_inode_locked(parent).index
    if stat.S_ISDIR(mode):
        inode.nlink = 2
    return inode


def make_root(parent: Inode) -> Inode:
    """The inode of /proc, with one reference; at boot."""
    return _new(parent, TOP, stat.S_IFDIR | 0o555, 0)


def _task_slot(pid: int) -> int:
    """Slot of the task with this pid; 0 = none. Read without a lock: it may end at any time anyway."""
    return int(pid_tasks.v[pid]) if 0 < pid < PID_MAX and pid_refs.v[pid] else 0


def _number(name: bytes) -> int:
    """A pid or descriptor; -1 for what is none."""
    return int(name) if name.isdigit() and len(name) < 9 and (name == b"0" or name[:1] != b"0") else -1


def lookup(directory: Inode, name: bytes) -> Inode | None:
    """An entry of a /proc directory, with a reference for the caller; fs_lock held."""
    what, pid = directory.device, directory.pid
    number = _number(name)
    table: dict[bytes, _Entry] = {}
    if what == TOP:
        if number > 0 and _task_slot(number):
            return _new(directory, PID_DIR, stat.S_IFDIR | 0o555, number)
        table = _of_machine
    elif what == PID_DIR:
        if name in _FOLDERS:
            folder, mode = _FOLDERS[name]
            return _new(directory, folder, stat.S_IFDIR | mode, pid)
        table = _of_task
    elif what == TASK_DIR:
        slot, other = _task_slot(pid), _task_slot(number)
        if slot and other and tasks[slot].process == tasks[other].process:
            return _new(directory, PID_DIR, stat.S_IFDIR | 0o555, number)
    elif what in (FD_DIR, FDINFO_DIR):
        for fd, file, _ in _descriptors(pid):
            if fd == number:
                rights = (0o400 if is_readable(file) else 0) | (0o200 if is_writable(file) else 0) | 0o100
                kind, mode = (FD_LINK, stat.S_IFLNK | rights) if what == FD_DIR else (FDINFO, stat.S_IFREG | 0o400)
                found = _new(directory, kind, mode, pid)
                found.size = number
                return found
    else:
        table = _all[what - FIRST_ENTRY].children
    entry = table.get(name)
    return _new(directory, entry.number, entry.mode, pid) if entry else None


def name_of(inode: Inode) -> bytes:
    """What its directory calls an inode of /proc."""
    what = inode.device
    if what >= FIRST_ENTRY:
        return _all[what - FIRST_ENTRY].name
    return _NAMES.get(what) or str(inode.pid if what == PID_DIR else inode.size).encode()


def _descriptors(pid: int) -> list[tuple[int, File, bool]]:
    """What a task has open. Read without tasklist_lock: of a task that is just ending, it may be nothing."""
    slot = _task_slot(pid)
    table = tasks[slot].files if slot else 0
    return fdtable.open_files(fd_tables[table]) if table else []


def link_target(inode: Inode) -> bytes:
    """What a link of /proc says; fs_lock held."""
    if inode.device >= FIRST_ENTRY:
        target = _all[inode.device - FIRST_ENTRY].link
        assert target is not None
        return target(inode.pid)
    return hooks.path_of_file(_open_file(inode)[0])


def file_behind(inode: Inode) -> Inode | None:
    """The inode to which a link in /proc/<pid>/fd leads, whatever its path says; None: follow that. fs_lock held."""
    if inode.device != FD_LINK:
        return None
    file, _ = _open_file(inode)
    return inodes[file.inode] if file.inode else None


def _open_file(inode: Inode) -> tuple[File, bool]:
    """The descriptor that an inode of /proc/<pid>/fd or fdinfo is about; and whether exec closes it."""
    for fd, file, cloexec in _descriptors(inode.pid):
        if fd == inode.size:
            return file, cloexec
    raise GuestFault(errno.ENOENT)


def names(directory: Inode) -> list[bytes]:
    """What a directory of /proc lists; no lock held."""
    what, pid = directory.device, directory.pid
    if what == TOP:
        with tasklist_lock:
            pids = [pid for pid, slot in enumerate(pid_tasks.v) if slot and tasks[slot].is_leader]
        return [str(pid).encode() for pid in pids] + list(_of_machine)
    if what == PID_DIR:
        return [*_FOLDERS, *_of_task]
    if what == TASK_DIR:
        with tasklist_lock:
            task = find_task(pid)
            tids = [t.pid for t in threads_of(process_of(task)) if t.is_leader or not t.exiting] if task else []
        return [str(tid).encode() for tid in tids]
    if what in (FD_DIR, FDINFO_DIR):
        fds = [fd for fd, _, _ in _descriptors(pid)]
        slot = _task_slot(pid)
        if slot and tasks[slot].files == this.task.files:
            # Who looks has the folder open: one more, on the lowest number that is free.
            fds = sorted([*fds, next(fd for fd in range(len(fds) + 1) if fd not in fds)])
        return [str(fd).encode() for fd in fds]
    return list(_all[what - FIRST_ENTRY].children)


# --- opening --------------------------------------------------------------------------------------


def open_inode(inode: Inode, flags: int) -> File:
    """Open a file of /proc; takes over the caller's reference. No lock held. Raises ESRCH, ENOMEM."""
    if inode.device == FDINFO:
        with fs_lock:
            text: str | bytes = hooks.describe_fd(*_open_file(inode))
    else:
        entry = _all[inode.device - FIRST_ENTRY]
        if entry.live is not None or entry.write is not None:
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

    has_pwrite = False  # Linux: seq_open

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
        if entry.live is None:
            text = _ask(entry, inode.pid)
            data = (text.encode() if isinstance(text, str) else text)[pos : pos + sink.room]
            return sink.put(data) if data else 0
        with tasklist_lock:
            task = find_task(inode.pid)
            if task is None:
                return 0
            data = entry.live(task, pos, min(sink.room, 1 << 20))
        return sink.put(data) if data else 0

    def write(self, file: File, source: Source) -> int:
        inode = inodes[file.inode]
        write = _all[inode.device - FIRST_ENTRY].write
        if write is None:
            raise GuestFault(errno.EINVAL)
        n = min(source.len, PAGE_SIZE)
        data = bytes(source.get(0, n))
        with tasklist_lock:
            task = find_task(inode.pid)
            if task is None:
                raise GuestFault(errno.ESRCH)
            write(task, data)
        return source.len

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
