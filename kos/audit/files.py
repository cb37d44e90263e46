"""Files: every reference count is the number of references that a walk finds; nothing is left of what was closed.

The machine is quiet: no call is under way, so only descriptors, names, directories and mappings refer to anything.
"""

from __future__ import annotations

from collections import Counter

from kos.fs import dirent, fdtable
from kos.fs.structs import (
    F_PIPE_R,
    F_PIPE_W,
    I_HOST,
    FdTable,
    contexts,
    dirent_hash,
    dirents,
    fd_chunks,
    fd_tables,
    files,
    fs_state,
    inodes,
    pipes,
)
from kos.mm.structs import mappings
from kos.sched.structs import tasks


def audit_files() -> list[str]:
    """One line for each rule that does not hold; [] when all is well."""
    return [*_tables(), *_files(), *_pipes(), *_inodes(), *_dirents(), *_mappings()]


def _differ(what: str, index: int, count: int, found: int) -> list[str]:
    return [f"{what} {index}: reference count {count}, references found {found}"] if count != found else []


def _tables() -> list[str]:
    """Descriptor tables and directories: as many references as tasks that use them."""
    problems = []
    used_files = Counter(t.files for t in tasks.used() if t.files)
    used_fs = Counter(t.fs for t in tasks.used() if t.fs)
    nr_chunks = 0
    for ft in fd_tables.used():
        problems += _differ("fd table", ft.index, ft.refcount, used_files.pop(ft.index, 0))
        open_fds = fdtable.open_files(ft)
        highest = open_fds[-1][0] + 1 if open_fds else 0
        if ft.nr_open != len(open_fds) or ft.high != highest:
            problems.append(
                f"fd table {ft.index}: says {ft.nr_open} open below {ft.high}, found {len(open_fds)} below {highest}"
            )
        nr_chunks += sum(1 for slot in ft.chunks if slot)
    problems += [f"fd table {slot} is used by tasks but free" for slot in used_files]
    for fs in contexts.used():
        problems += _differ("fs context", fs.index, fs.refcount, used_fs.pop(fs.index, 0))
    problems += [f"fs context {slot} is used by tasks but free" for slot in used_fs]
    if fd_chunks.head.nr_used != nr_chunks:
        problems.append(f"{fd_chunks.head.nr_used} fd chunks are in use, tables have {nr_chunks}")
    return problems


def _all_tables() -> list[FdTable]:
    return list(fd_tables.used())


def _files() -> list[str]:
    found = Counter(file.index for ft in _all_tables() for _, file, _ in fdtable.open_files(ft))
    problems = []
    for file in files.used():
        problems += _differ("file", file.index, file.refcount, found.pop(file.index, 0))
    return problems + [f"file {slot} is open in {n} places but free" for slot, n in found.items()]


def _pipes() -> list[str]:
    readers = Counter(f.pipe for f in files.used() if f.kind == F_PIPE_R)
    writers = Counter(f.pipe for f in files.used() if f.kind == F_PIPE_W)
    problems = []
    for pipe in pipes.used():
        problems += _differ("pipe's read end", pipe.index, pipe.readers, readers.pop(pipe.index, 0))
        problems += _differ("pipe's write end", pipe.index, pipe.writers, writers.pop(pipe.index, 0))
        held = sum(pipe.slots.len[(pipe.tail + k) % 16] for k in range(pipe.head - pipe.tail & 0xFFFFFFFF))
        if held != pipe.bytes:
            problems.append(f"pipe {pipe.index}: says {pipe.bytes} bytes, its pages hold {held}")
        if not pipe.readers and not pipe.writers:
            problems.append(f"pipe {pipe.index} has no ends but is not free")
    return problems + [f"pipe {slot} has an open end but is free" for slot in (*readers, *writers)]


def _inodes() -> list[str]:
    found: Counter[int] = Counter(f.inode for f in files.used() if f.inode)
    found.update(fs.cwd for fs in contexts.used())
    found.update(entry.inode for entry in dirents.used() if inodes[entry.inode].kind != I_HOST)
    found.update(inode.parent for inode in inodes.used() if inode.parent)
    found[fs_state.s.root] += 1
    problems = []
    for inode in inodes.used():
        problems += _differ("inode", inode.index, inode.refs, found.pop(inode.index, 0))
    return problems + [f"inode {slot} is referred to {n} times but free" for slot, n in found.items()]


def _dirents() -> list[str]:
    """Every name is in one directory's list and in the hash; counts agree."""
    listed: set[int] = set()
    problems = []
    for inode in inodes.used():
        own = [e.index for e in dirent.entries(inode)] if inode.first else []
        if len(own) != inode.nr_entries:
            problems.append(f"directory inode {inode.index}: says {inode.nr_entries} entries, found {len(own)}")
        listed.update(own)
    hashed: set[int] = set()
    for slot in dirent_hash.v.tolist():
        while slot:
            hashed.add(slot)
            slot = dirents[slot].hash_next
    used = {entry.index for entry in dirents.used()}
    if not used == listed == hashed:
        problems.append(f"directory entries: {len(used)} in use, {len(listed)} listed, {len(hashed)} hashed")
    return problems


def _mappings() -> list[str]:
    """Each inode's page cache is its own and alive."""
    problems = []
    free = mappings.free_slots()
    owners: Counter[int] = Counter(inode.mapping for inode in inodes.used() if inode.mapping)
    for slot, n in owners.items():
        if n > 1 or slot in free:
            problems.append(f"page cache {slot} belongs to {n} inodes, and is {'free' if slot in free else 'in use'}")
    return problems
