"""open(2), and what else makes an open file out of a name: memfd_create, whole-file reads, mmap's questions."""

from __future__ import annotations

import errno
import os
import stat

from kos.errors import GuestFault
from kos.fs import console, dirent, fdtable, hostfs, lastnames, paths, procfs, regular
from kos.fs.dirs import may_change, new_file, umask
from kos.fs.file import alloc_file, is_readable, is_writable, put_file
from kos.fs.inode import alloc_inode, give_mapping, is_dir, is_symlink, put_inode, size_of, undo_inode
from kos.fs.namei import MAY_READ, MAY_WRITE, Path, link_target, may, names
from kos.fs.structs import (
    DEV_TTY,
    DEV_ZERO,
    F_CONSOLE,
    F_DEVICE,
    F_DIR,
    F_PIPE_R,
    F_PIPE_W,
    F_PLACE,
    F_REG,
    I_DEVICE,
    I_HOST,
    I_PROC,
    I_RAM,
    IF_READ_ONLY,
    SYMLINK_MAX,
    File,
    Inode,
    contexts,
    fs_lock,
    inodes,
    pipes,
)
from kos.mm import pagecache
from kos.mm.filemap import MappedFile, file_ops
from kos.mm.structs import MAPPING_MEMFD, Mapping, mappings
from kos.sched.structs import pid_tasks, tasks

_KEPT = (
    os.O_ACCMODE
    | os.O_APPEND
    | os.O_NONBLOCK
    | os.O_DSYNC
    | os.O_SYNC
    | os.O_DIRECT
    | os.O_NOATIME
    | os.O_DIRECTORY
    | os.O_NOFOLLOW
)
_TMPFILE = os.O_TMPFILE & ~os.O_DIRECTORY
MEMFD_NAME_MAX = 249
MFD_CLOEXEC, MFD_ALLOW_SEALING = 1, 2


def open_path(path: Path, flags: int, mode: int) -> File:
    """The open file of a path, one reference, the caller's. Raises what open(2) raises."""
    if flags & os.O_PATH:
        return _open_place(path, flags)
    wants_write = flags & os.O_ACCMODE != os.O_RDONLY
    if flags & os.O_DIRECTORY and flags & os.O_CREAT:
        raise GuestFault(errno.EINVAL)  # since Linux 6.4: there is no making of a directory
    if flags & _TMPFILE:
        if not flags & os.O_DIRECTORY or not wants_write:
            raise GuestFault(errno.EINVAL)
        return _open_unnamed(path, flags, mode)
    inode, is_new = _find_or_create(path, flags, mode)
    try:
        _check(inode, flags, wants_write, is_new)
        if inode.kind == I_HOST and not is_dir(inode):
            _load(inode)
        if flags & os.O_TRUNC and inode.kind == I_RAM and not is_new:
            regular.truncate(inode, 0)
        kept = flags & _KEPT | 0o100000  # with O_LARGEFILE, which F_GETFL shows on x86-64
        if is_dir(inode):
            return alloc_file(F_DIR, kept, inode=inode.index)
        if inode.kind == I_PROC:
            return procfs.open_inode(inode, kept)
        if inode.kind == I_DEVICE:
            if inode.device == DEV_TTY:
                if not console.is_tty(console.STDIN):
                    raise GuestFault(errno.ENXIO)
                return alloc_file(F_CONSOLE, kept, inode=inode.index, stream=console.STDIN)
            return alloc_file(F_DEVICE, kept, inode=inode.index)
        return alloc_file(F_REG, kept, inode=inode.index)
    except BaseException:
        put_inode(inode)
        raise


def _open_place(path: Path, flags: int) -> File:
    """O_PATH: a descriptor that stands for a place in the tree and for nothing that could be read."""
    with names() as ns:
        inode = ns.resolve(path, follow=not flags & os.O_NOFOLLOW)
    try:
        if flags & os.O_DIRECTORY and not is_dir(inode):
            raise GuestFault(errno.ENOTDIR)
        return alloc_file(F_PLACE, flags & (os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW), inode=inode.index)
    except BaseException:
        put_inode(inode)
        raise


def _open_unnamed(path: Path, flags: int, mode: int) -> File:
    """O_TMPFILE: a file that has no name in the directory `path`, and never will."""
    with names() as ns:
        directory = ns.resolve(path)
        try:
            if not is_dir(directory):
                raise GuestFault(errno.ENOTDIR)
            may_change(directory)
            inode = _new_unnamed(stat.S_IFREG | mode & 0o7777 & ~umask())
            lastnames.remember(inode, dirent.path_to(directory, b"#%d (deleted)" % inode.ino))
        finally:
            ns.put(directory)
    return _open_new(inode, flags & _KEPT | _TMPFILE | 0o100000)


def _new_unnamed(mode: int) -> Inode:
    """An empty regular file that no directory knows, with one reference for the caller; fs_lock held."""
    inode = alloc_inode(I_RAM, mode)
    try:
        give_mapping(inode)
    except GuestFault:
        undo_inode(inode)
        raise
    inode.nlink = 0
    return inode


def _open_new(inode: Inode, flags: int) -> File:
    """The open file of a new inode; takes over the caller's reference."""
    try:
        return alloc_file(F_REG, flags, inode=inode.index)
    except BaseException:
        put_inode(inode)
        raise


def _find_or_create(path: Path, flags: int, mode: int) -> tuple[Inode, bool]:
    """The inode, with a reference for the caller, and whether it was made here."""
    follow = not flags & os.O_NOFOLLOW
    with names() as ns:
        if not flags & os.O_CREAT:
            return ns.resolve(path, follow=follow), False
        base: Inode | None = None
        target: Path = path
        try:
            for _ in range(SYMLINK_MAX + 1):
                directory, name, dir_wanted = ns.parent(target, base)
                if base is not None:
                    ns.put(base)
                base = directory
                if name in (b"", b".", b".."):
                    raise GuestFault(errno.EEXIST if flags & os.O_EXCL else errno.EISDIR)
                if dir_wanted:
                    raise GuestFault(errno.EISDIR)
                inode = ns.child(directory, name)
                if inode is None:
                    return new_file(directory, name, mode), True
                if flags & os.O_EXCL:
                    ns.put(inode)
                    raise GuestFault(errno.EEXIST)
                if not is_symlink(inode) or not follow:
                    return inode, False
                try:
                    target = link_target(inode)
                finally:
                    ns.put(inode)
            raise GuestFault(errno.ELOOP)
        finally:
            if base is not None:
                ns.put(base)


def _check(inode: Inode, flags: int, wants_write: bool, is_new: bool) -> None:
    """May this inode be opened like this? Linux: may_open()."""
    if is_symlink(inode):
        raise GuestFault(errno.ELOOP)
    if flags & os.O_DIRECTORY and not is_dir(inode):
        raise GuestFault(errno.ENOTDIR)
    if is_dir(inode) and (wants_write or flags & (os.O_CREAT | os.O_TRUNC)):
        raise GuestFault(errno.EISDIR)
    if is_new:
        return
    mask = (MAY_WRITE if wants_write or flags & os.O_TRUNC else 0) | (
        MAY_READ if flags & os.O_ACCMODE != os.O_WRONLY else 0
    )
    if not may(inode, mask):
        raise GuestFault(errno.EACCES)
    if mask & MAY_WRITE and inode.flags & IF_READ_ONLY:
        raise GuestFault(errno.EACCES if inode.kind == I_PROC else errno.EROFS)


def _load(inode: Inode) -> None:
    """A host file's contents into the page cache; a reference held."""
    with fs_lock:
        path = paths.path_of_locked(inode)
    if path is None:
        raise GuestFault(errno.ENOENT)
    hostfs.load(inode, path)


def make_memfd(name: bytes, flags: int) -> File:
    """memfd_create: a regular file without a name in any directory; one reference, the caller's."""
    if flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING) or b"\0" in name or len(name) > MEMFD_NAME_MAX:
        raise GuestFault(errno.EINVAL)
    with fs_lock:
        inode = _new_unnamed(stat.S_IFREG | 0o777)
        lastnames.remember(inode, b"/memfd:" + name + b" (deleted)")
        mappings[inode.mapping].flags |= MAPPING_MEMFD
    return _open_new(inode, os.O_RDWR | 0o100000)


def read_whole(path: Path) -> bytes:
    """A file's contents, for exec and import: no descriptor, and a host file does not fill the page cache."""
    with names() as ns:
        inode = ns.resolve(path)
        host_path = paths.path_of_locked(inode) if inode.kind == I_HOST else None
    try:
        if is_dir(inode):
            raise GuestFault(errno.EISDIR)
        if not may(inode, MAY_READ):
            raise GuestFault(errno.EACCES)
        if host_path is not None:
            return hostfs.contents(host_path)
        if not stat.S_ISREG(inode.mode) or not inode.mapping:
            raise GuestFault(errno.EINVAL)
        return pagecache.read(mappings[inode.mapping], 0, size_of(inode))
    finally:
        put_inode(inode)


# --- what others ask about open files -------------------------------------------------------------


def describe_file(file: File) -> bytes:
    """Where a descriptor leads, as /proc/<pid>/fd shows it; fs_lock held."""
    if file.kind in (F_PIPE_R, F_PIPE_W):
        return b"pipe:[%d]" % pipes[file.pipe].ino
    if file.kind == F_CONSOLE:
        return b"/dev/tty" if console.is_tty(file.stream) else b"console:[%d]" % file.stream
    return paths.describe(inodes[file.inode])


def _describe_fd(file: File, cloexec: bool) -> str:
    """/proc/<pid>/fdinfo; fs_lock held. Linux: seq_show(), fs/proc/fd.c."""
    ino = pipes[file.pipe].ino if file.pipe else inodes[file.inode].ino if file.inode else 0
    flags = file.flags | (os.O_CLOEXEC if cloexec else 0)
    return f"pos:\t{file.pos}\nflags:\t0{flags:o}\nmnt_id:\t1\nino:\t{ino}\n"


def _cwd_of(pid: int) -> bytes:
    """Current directory of a task; fs_lock held."""
    slot = pid_tasks.v[pid]
    context = tasks[slot].fs if slot else 0
    if not context or not contexts[context].cwd:
        raise GuestFault(errno.ENOENT)
    return paths.describe(inodes[contexts[context].cwd])


def _file_of_fd(fd: int) -> MappedFile:
    """What mmap wants to know of a descriptor. Raises EBADF.

    The mapping comes with a reference, which is the caller's: another thread may close the file meanwhile.
    """
    file = fdtable.get(fdtable.current(), fd)
    try:
        is_contents = file.kind == F_REG and inodes[file.inode].kind != I_PROC  # a text of /proc is not to be mapped
        mapping = pagecache.get_mapping(mappings[inodes[file.inode].mapping]) if is_contents else None
        is_zero = file.kind == F_DEVICE and inodes[file.inode].device == DEV_ZERO
        return MappedFile(mapping, is_readable(file), is_writable(file), is_zero)
    finally:
        put_file(file)


def _name_of(mapping: Mapping) -> tuple[int, int, str]:
    """st_dev, st_ino and path of a mapped file. Takes fs_lock: no lock behind it held."""
    with fs_lock:
        if mapping.owner:
            inode = inodes[mapping.owner]
            dev, ino, name = int(inode.dev), int(inode.ino), paths.describe(inode)
        else:
            dev, ino, name = lastnames.recall_mapping(mapping)
    return dev, ino, os.fsdecode(name)


def connect() -> None:
    """Answer what the memory layer and /proc ask; at boot."""
    file_ops.file_of_fd = _file_of_fd
    file_ops.name_of = _name_of
    procfs.hooks.path_of_file = describe_file
    procfs.hooks.describe_fd = _describe_fd
    procfs.hooks.cwd_of = _cwd_of
