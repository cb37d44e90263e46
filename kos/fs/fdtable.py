"""Descriptor tables: small numbers for open files.

A table is a row of words, each a file's slot and its close-on-exec bit: the first 64 in the table itself,
further ones in chunks of 256 that come when a number in their range is first used. `next_free` says below
which number nothing is free, as in Linux (fs/file.c), so that the usual allocation looks at one word.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import TypeVar

from kos.arena.layout import word_index
from kos.errors import GuestFault
from kos.fs.file import get_file, put_file
from kos.fs.structs import (
    CLOEXEC,
    FD_CHUNK,
    FD_INLINE,
    NR_OPEN,
    NR_TABLE_CHUNKS,
    FdTable,
    File,
    fd_chunks,
    fd_tables,
    files,
    files_lock,
    table_locks,
)
from kos.hw.cpu import this

T = TypeVar("T")
_SLOT = CLOEXEC - 1
_FIRST, _CHUNKS = word_index(FdTable, "first", 4), word_index(FdTable, "chunks", 4)


def _inline(ft: FdTable) -> memoryview:
    return ft.words[_FIRST : _FIRST + FD_INLINE]


def _words(ft: FdTable, fd: int) -> tuple[memoryview, int] | None:
    """The row that holds fd's word and its index there; None where there is no chunk yet. Table lock held."""
    if fd < FD_INLINE:
        return _inline(ft), fd
    k, at = divmod(fd - FD_INLINE, FD_CHUNK)
    slot = ft.chunks[k]
    return (fd_chunks[slot].words, at) if slot else None


def _rows(ft: FdTable, low: int, high: int) -> Iterator[tuple[int, memoryview]]:
    """(first fd, row) of every row there is that overlaps [low, high); table lock held."""
    if low < FD_INLINE:
        yield 0, _inline(ft)
    for k in range(max(0, low - FD_INLINE) // FD_CHUNK, max(0, high - FD_INLINE + FD_CHUNK - 1) // FD_CHUNK):
        slot = ft.chunks[k]
        if slot:
            yield FD_INLINE + k * FD_CHUNK, fd_chunks[slot].words


def _open_fds(ft: FdTable, low: int, high: int) -> list[tuple[int, int]]:
    """(fd, word) of everything open in [low, high), ascending; table lock held."""
    high = min(high, ft.high)
    found: list[tuple[int, int]] = []
    if low >= high:
        return found
    for base, row in _rows(ft, low, high):
        for k, word in enumerate(row.tolist()[: high - base]):
            if word and base + k >= low:
                found.append((base + k, word))
    return found


# --- life of a table ----------------------------------------------------------------------------


def alloc_files() -> FdTable:
    """An empty table with one reference. Raises ENOMEM."""
    with files_lock:
        ft = fd_tables.alloc()
    if ft is None:
        raise GuestFault(errno.ENOMEM)
    ft.refcount = 1
    return ft


def get_files(ft: FdTable) -> FdTable:
    """One more task uses the table (CLONE_FILES)."""
    with table_locks[ft.index]:
        ft.refcount += 1
    return ft


def dup_files(old: FdTable) -> FdTable:
    """A copy with the same open files, each with one reference more: what fork does. Raises ENOMEM."""
    new = alloc_files()
    # The chunks come first, without the old table's lock: their free list has a lock of the same rank. If a
    # thread opens further ones meanwhile, take those too.
    while True:
        with table_locks[old.index]:
            needed = [k for k in range(_nr_chunks(old.high)) if old.chunks[k] and not new.chunks[k]]
            if not needed:
                for fd, word in _open_fds(old, 0, NR_OPEN):
                    get_file(files[word & _SLOT])
                    place = _words(new, fd)
                    assert place is not None
                    place[0][place[1]] = word
                new.high, new.next_free, new.nr_open = old.high, old.next_free, old.nr_open
                return new
        try:
            for k in needed:
                _add_chunk(new, k)
        except GuestFault:
            put_files(new)
            raise


def put_files(ft: FdTable) -> None:
    """A task stops using the table; the last one closes everything. No lock held."""
    with table_locks[ft.index]:
        ft.refcount -= 1
        if ft.refcount:
            return
        gone = _open_fds(ft, 0, NR_OPEN)
    # Nobody else can reach the table now.
    for _, word in gone:
        put_file(files[word & _SLOT])
    with files_lock:
        for slot in ft.words[_CHUNKS : _CHUNKS + NR_TABLE_CHUNKS].tolist():
            if slot:
                fd_chunks.free(fd_chunks[slot])
        fd_tables.free(ft)


def unshare_files(ft: FdTable) -> FdTable:
    """A table of the caller's own (exec): this one if nobody shares it, else a copy."""
    if ft.refcount == 1:
        return ft
    new = dup_files(ft)
    put_files(ft)
    return new


def close_on_exec(ft: FdTable) -> None:
    """Close what has the close-on-exec flag."""
    with table_locks[ft.index]:
        gone = [(fd, word) for fd, word in _open_fds(ft, 0, NR_OPEN) if word & CLOEXEC]
        _clear(ft, gone)
    for _, word in gone:
        put_file(files[word & _SLOT])


def _nr_chunks(high: int) -> int:
    return max(0, high - FD_INLINE + FD_CHUNK - 1) // FD_CHUNK


def _add_chunk(ft: FdTable, k: int) -> None:
    """Give the table its k-th chunk; no lock held."""
    with files_lock:
        chunk = fd_chunks.alloc()
    if chunk is None:
        raise GuestFault(errno.ENOMEM)
    with table_locks[ft.index]:
        if not ft.chunks[k]:
            ft.chunks[k] = chunk.index
            return
    with files_lock:  # another thread was faster
        fd_chunks.free(chunk)


def _clear(ft: FdTable, gone: list[tuple[int, int]]) -> None:
    """Mark descriptors closed; table lock held."""
    for fd, _ in gone:
        place = _words(ft, fd)
        assert place is not None
        place[0][place[1]] = 0
    if gone:
        ft.nr_open -= len(gone)
        ft.next_free = min(ft.next_free, gone[0][0])
        if gone[-1][0] + 1 == ft.high:
            _lower_high(ft, gone[0][0])


def _lower_high(ft: FdTable, low: int) -> None:
    """The top descriptor was closed: find the highest that is open."""
    if not ft.nr_open:
        ft.high = 0
        return
    fd = ft.high
    while fd:
        place = _words(ft, fd - 1)
        if place is None:
            fd = (fd - 1 - FD_INLINE) // FD_CHUNK * FD_CHUNK + FD_INLINE
            continue
        if place[0][place[1]]:
            break
        fd -= 1
    ft.high = fd


# --- descriptors ---------------------------------------------------------------------------------


def get(ft: FdTable, fd: int) -> File:
    """The open file of a descriptor, with a reference for the caller: put_file() it. Raises EBADF."""
    if not 0 <= fd < NR_OPEN:
        raise GuestFault(errno.EBADF)
    with table_locks[ft.index]:
        place = _words(ft, fd)
        word = place[0][place[1]] if place else 0
        if not word:
            raise GuestFault(errno.EBADF)
        file = files[word & _SLOT]
        get_file(file)
    return file


def install(ft: FdTable, file: File, limit: int, *, lowest: int = 0, cloexec: bool = False) -> int:
    """Give the file the lowest free number from `lowest`; takes over the caller's reference.

    limit: RLIMIT_NOFILE. Raises EMFILE or ENOMEM; the caller still has its reference then.
    """
    limit = min(limit, NR_OPEN)
    word = file.index | (CLOEXEC if cloexec else 0)
    while True:
        with table_locks[ft.index]:
            fd = _find_free(ft, max(lowest, ft.next_free))
            if fd >= limit:
                raise GuestFault(errno.EMFILE)
            place = _words(ft, fd)
            if place is not None:
                place[0][place[1]] = word
                ft.nr_open += 1
                if lowest <= ft.next_free:
                    ft.next_free = fd + 1
                if fd >= ft.high:
                    ft.high = fd + 1
                return fd
        _add_chunk(ft, (fd - FD_INLINE) // FD_CHUNK)


def has_room(ft: FdTable, limit: int) -> bool:
    """Is there a number left for one more descriptor? For calls that only need one in passing."""
    with table_locks[ft.index]:
        return _find_free(ft, ft.next_free) < min(limit, NR_OPEN)


def _find_free(ft: FdTable, fd: int) -> int:
    """First closed number from fd on; table lock held."""
    while fd < ft.high:
        place = _words(ft, fd)
        if place is None or not place[0][place[1]]:
            return fd
        fd += 1
    return fd


def close(ft: FdTable, fd: int) -> None:
    """close(2). Raises EBADF."""
    if not 0 <= fd < NR_OPEN:
        raise GuestFault(errno.EBADF)
    with table_locks[ft.index]:
        place = _words(ft, fd)
        word = place[0][place[1]] if place else 0
        if not word:
            raise GuestFault(errno.EBADF)
        _clear(ft, [(fd, word)])
    put_file(files[word & _SLOT])


def close_range(ft: FdTable, low: int, high: int) -> None:
    """Close everything open in [low, high); its cost is that of what is open, not of the range."""
    with table_locks[ft.index]:
        gone = _open_fds(ft, max(0, low), high)
        _clear(ft, gone)
    for _, word in gone:
        put_file(files[word & _SLOT])


def dup(ft: FdTable, fd: int, limit: int, *, lowest: int = 0, cloexec: bool = False) -> int:
    """dup(2) and fcntl(F_DUPFD): a second number, at least `lowest`. Raises EBADF, EINVAL, EMFILE."""
    file = get(ft, fd)
    try:
        if not 0 <= lowest < min(limit, NR_OPEN):
            raise GuestFault(errno.EINVAL)
        return install(ft, file, limit, lowest=lowest, cloexec=cloexec)
    except BaseException:
        put_file(file)
        raise


def dup2(ft: FdTable, fd: int, new: int, limit: int, *, cloexec: bool = False) -> int:
    """Make `new` name fd's file; what it named before is closed, in one step. Raises EBADF.

    new == fd changes nothing, not the flag either; with cloexec (dup3) it is EINVAL.
    """
    if new == fd:
        _word(ft, fd)
        if cloexec:
            raise GuestFault(errno.EINVAL)
        return new
    if not 0 <= new < min(limit, NR_OPEN):
        raise GuestFault(errno.EBADF)
    file = get(ft, fd)
    word = file.index | (CLOEXEC if cloexec else 0)
    while True:
        with table_locks[ft.index]:
            place = _words(ft, new)
            if place is not None:
                old = place[0][place[1]]
                place[0][place[1]] = word
                if not old:
                    ft.nr_open += 1
                    if new >= ft.high:
                        ft.high = new + 1
                    if new == ft.next_free:
                        ft.next_free = new + 1
                break
        try:
            _add_chunk(ft, (new - FD_INLINE) // FD_CHUNK)
        except GuestFault:
            put_file(file)
            raise
    if old:
        put_file(files[old & _SLOT])
    return new


def is_cloexec(ft: FdTable, fd: int) -> bool:
    """fcntl(F_GETFD). Raises EBADF."""
    return bool(_word(ft, fd) & CLOEXEC)


def set_cloexec(ft: FdTable, fd: int, on: bool) -> None:
    """fcntl(F_SETFD). Raises EBADF."""
    _word(ft, fd)
    with table_locks[ft.index]:
        place = _words(ft, fd)
        word = place[0][place[1]] if place else 0
        if not place or not word:
            raise GuestFault(errno.EBADF)
        place[0][place[1]] = word | CLOEXEC if on else word & _SLOT


def _word(ft: FdTable, fd: int) -> int:
    if not 0 <= fd < NR_OPEN:
        raise GuestFault(errno.EBADF)
    with table_locks[ft.index]:
        place = _words(ft, fd)
        word = place[0][place[1]] if place else 0
    if not word:
        raise GuestFault(errno.EBADF)
    return word


def open_files(ft: FdTable) -> list[tuple[int, File, bool]]:
    """(fd, file, close-on-exec) of everything open: for /proc/<pid>/fd and the audit."""
    with table_locks[ft.index]:
        return [(fd, files[word & _SLOT], bool(word & CLOEXEC)) for fd, word in _open_fds(ft, 0, NR_OPEN)]


def current() -> FdTable:
    """The descriptor table of the task that runs here."""
    return fd_tables[this.task.files]


def own_file(fd: int) -> File | None:
    """A descriptor's open file, where it cannot go away while this task looks at it; None: not so. Raises EBADF.

    In a table that nobody shares only this very task could close it: no lock and no reference are needed
    (Linux: fdget()), which saves 3 of 10 us.
    """
    ft = fd_tables[this.task.files]
    if ft.refcount != 1:
        return None
    if 0 <= fd < FD_INLINE:
        word = ft.words[_FIRST + fd]
    else:
        place = _words(ft, fd) if 0 <= fd < NR_OPEN else None
        word = place[0][place[1]] if place else 0
    if not word:
        raise GuestFault(errno.EBADF)
    return files[word & _SLOT]


def on_file(fd: int, work: Callable[[File], T]) -> T:
    """work(file) on a descriptor's open file, which cannot go away meanwhile. Raises EBADF."""
    own = own_file(fd)
    if own is not None:
        return work(own)
    file = get(current(), fd)
    try:
        return work(file)
    finally:
        put_file(file)
