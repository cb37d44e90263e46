"""The tree that a machine starts with, and the files of its first program.

/             read-only; shows what stands below and nothing else
/dev          null zero full random urandom tty
/proc         the kernel's texts
/tmp          writable, in memory
<folders>     the program's folder and the installed guests, read-only, at their own absolute paths
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from kos.errors import GuestFault
from kos.fs import console, dirent, fdtable, hostfs, procfs, procmachine
from kos.fs import procmore as procmore  # these two register their texts
from kos.fs import procsys as procsys
from kos.fs.devices import DEVICES
from kos.fs.dirs import make_dir_locked
from kos.fs.file import alloc_file, put_file
from kos.fs.fsctx import alloc_context
from kos.fs.inode import alloc_inode, get_inode_locked, is_dir
from kos.fs.namei import names
from kos.fs.open import connect, open_path
from kos.fs.paths import path_of_locked
from kos.fs.structs import (
    F_CONSOLE,
    I_DEVICE,
    I_RAM,
    IF_PINNED,
    IF_READ_ONLY,
    IF_SHOWS_HOST,
    FdTable,
    FsContext,
    Inode,
    fd_tables,
    fs_lock,
    fs_state,
    inodes,
)
from kos.platform.host import files as host
from kos.sched.structs import Task


def boot(folders: Sequence[str] = (), programs: Sequence[str] = ()) -> None:
    """Build the tree of a new machine; in the parent, before the CPUs are forked.

    folders: host folders that guests see, absolute. programs: those of them in which exec finds a bare name.
    """
    connect()
    procmachine.boot()
    with fs_lock:
        root = alloc_inode(I_RAM, stat.S_IFDIR | 0o755)
        root.nlink = 2
        root.flags = IF_PINNED | IF_READ_ONLY
        fs_state.s.root = root.index
        dev = _pinned(root, b"dev", IF_READ_ONLY)
        for name, (device, _) in DEVICES.items():
            node = alloc_inode(I_DEVICE, stat.S_IFCHR | 0o666)
            node.device = device
            dirent.insert(dev, name, node)
        proc = procfs.make_root(root)
        dirent.insert(root, b"proc", proc)
        proc.flags |= IF_PINNED
        fs_state.s.proc = proc.index
        tmp = _pinned(root, b"tmp", 0)
        tmp.mode = stat.S_IFDIR | 0o1777
    for folder in folders:
        show_folder(folder)
    program_folders[:] = programs
    console.describe([host.stream(fd) for fd in range(3)], host.is_same_file(1, 2))


program_folders: list[str] = []  #: where exec looks for a bare name; set at boot, inherited by the CPUs


def _pinned(above: Inode, name: bytes, flags: int) -> Inode:
    """A directory that stays; fs_lock held."""
    inode = make_dir_locked(above, name, 0o755)
    inode.flags = IF_PINNED | flags
    return inode


def show_folder(path: str) -> None:
    """Let the host's folder show through at its own absolute path; on any CPU, no lock held."""
    inode = make_path(path)
    if inode is None:
        return
    with fs_lock:
        inode.flags |= IF_SHOWS_HOST
        if path_of_locked(inode) not in (b"/", b"/tmp"):
            inode.flags |= IF_READ_ONLY
            st = host.lstat(os.fsencode(path))
            if st is not None and stat.S_ISDIR(st.st_mode):
                inode.mode, inode.ino, inode.dev = st.st_mode, st.st_ino, st.st_dev


def make_path(path: str) -> Inode | None:
    """The directory at an absolute path, made where it is missing, with all above it; None if it is no directory.

    A folder below /tmp is as writable as /tmp itself, except where the host shows through: that is for
    show_folder() to say. Pinned directories stay for ever, so no reference is handed out.
    """
    with names() as ns:
        at = inodes[fs_state.s.root]
        tmp = dirent.find(at, b"tmp")
        for part in os.fsencode(os.path.normpath(path)).split(b"/"):
            if not part:
                continue
            entry = dirent.find(at, part)
            if entry is not None and inodes[entry.inode].kind == I_RAM:
                child = inodes[entry.inode]
            elif entry is None or hostfs.shows_host(at):
                found = ns.child(at, part)
                if found is not None:
                    ns.put(found)
                    return None  # it shows through already, from a folder above
                inside_tmp = tmp is not None and (at.index == tmp.inode or not at.flags & IF_READ_ONLY)
                child = _pinned(at, part, 0 if inside_tmp else IF_READ_ONLY)
            else:
                return None
            if not is_dir(child):
                return None
            child.flags |= IF_PINNED
            at = child
        return at


def first_files() -> FdTable:
    """A descriptor table with 0, 1 and 2 on the console: the first program's. Raises ENFILE, ENOMEM."""
    ft = fdtable.alloc_files()
    try:
        for stream in range(3):
            if console.is_null(stream):
                file = open_path("/dev/null", console.flags_of(stream), 0)
            else:
                file = alloc_file(F_CONSOLE, console.flags_of(stream), stream=stream)
            fdtable.install(ft, file, 3)
    except GuestFault:
        fdtable.put_files(ft)
        raise
    return ft


def streams_of(task: Task) -> dict[str, list[int]]:
    """Which of the descriptors 0, 1, 2 lead to a terminal, and which are not open: a program's streams at its start."""
    facts: dict[str, list[int]] = {"tty": [], "closed": []}
    for fd in range(3):
        try:
            file = fdtable.get(fd_tables[task.files], fd)
        except GuestFault:
            facts["closed"].append(fd)
            continue
        if file.kind == F_CONSOLE and console.is_tty(file.stream):
            facts["tty"].append(fd)
        put_file(file)
    return facts


def first_context(cwd: str) -> FsContext:
    """Where the first program stands: in `cwd`, which is made (and is empty) if guests cannot see it else."""
    inode = make_path(cwd)
    with names() as ns:
        if inode is None:
            try:
                at = ns.resolve(cwd)
            except GuestFault:
                at = get_inode_locked(inodes[fs_state.s.root])
            if not is_dir(at):
                ns.put(at)
                at = get_inode_locked(inodes[fs_state.s.root])
        else:
            at = get_inode_locked(inode)
    return alloc_context(at, host.umask())
