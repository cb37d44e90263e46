"""The second part of the guest program of ops_guest.py: operations in which threads and children race on purpose.

Two tasks of a random program never touch one thing at the same time (ops_model.py), for nobody could say what comes of
it. A race does, inside of one operation: helpers disturb the caller in a way that leaves few outcomes, each checked,
and only one at the end. A contest answers with how often it saw something else, or with how it ended.

desk: three pages of the caller's: flags, a page that children share, a page of its own.
"""

from __future__ import annotations

import os
from typing import Any

from kos import guest as _guest

guest: Any = _guest
PAGE = guest.PAGE_SIZE
RW, ANON = guest.PROT_READ | guest.PROT_WRITE, guest.MAP_ANONYMOUS | guest.MAP_FIXED
RECORDS = 24  #: pages that each writer of a flood sends: together more than a pipe holds


def await_word(word: int, wanted: int) -> None:
    """Sleep until a 32-bit word has this value."""
    while (now := guest.load32(word)) != wanted:
        try:
            guest.futex_wait(word, now)
        except (BlockingIOError, InterruptedError):
            pass


def status_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# Helpers: most go on until the first word of the desk says that it is over.


def zap(at: int, desk: int) -> None:
    while not guest.load64(desk):
        guest.madvise(at, PAGE, guest.MADV_DONTNEED)


def flip(at: int, desk: int, prot: int) -> None:
    while not guest.load64(desk):
        guest.mprotect(at, PAGE, guest.PROT_READ)
        guest.mprotect(at, PAGE, prot)


def remap(at: int, desk: int) -> None:
    while not guest.load64(desk):
        guest.munmap(at, PAGE)
        guest.mmap(at, PAGE, RW, guest.MAP_PRIVATE | ANON)


def count_up(at: int, desk: int) -> None:
    """The first word is never behind the second, nor ahead by more than one."""
    n = 0
    while not guest.load64(desk):
        n += 1
        guest.store64(at + 8, n)
        guest.store64(at + 2048, n)
    guest.store64(desk + 8, n)


def hammer(at: int, count: int) -> None:
    """Store into a page until that kills; count: the word that says how often."""
    n = 0
    while True:
        n += 1
        guest.store64(at, n)
        guest.store64(count, n)


def play(word: int, turns: int) -> None:
    for turn in range(turns):
        await_word(word, 2 * turn + 1)
        guest.store32(word, 2 * turn + 2)
        guest.futex_wake(word, 1)


def pour(at: int, w: int) -> None:
    for _ in range(RECORDS):
        guest.write(w, at, PAGE)


# Contests.


def zapped(at: int, desk: int, value: int, turns: int, prot: int, is_shared: bool) -> str:
    """Another thread throws the page away: a private page is as new then, a shared one as it was."""
    guest.madvise(at, PAGE, guest.MADV_DONTNEED)
    new, wrong = guest.load64(at), 0
    helper = guest.clone(zap, at, desk)
    for n in range(1000, 1000 + turns):
        guest.store64(at, n)
        got = guest.load64(at)
        wrong += got != n and (is_shared or got != new)
    guest.store64(desk, 1)
    return str(wrong + guest.join(helper))


def flipped(at: int, desk: int, value: int, turns: int, prot: int, is_shared: bool) -> str:
    """Another thread takes the right to write: the kernel's write succeeds or is EFAULT, and has not been done then."""
    r, w = os.pipe()
    last, wrong = guest.load64(at), 0
    helper = guest.clone(flip, at, desk, prot)
    for n in range(turns):
        os.write(w, n.to_bytes(8, "little"))
        try:
            guest.read(r, at, 8)
            last = n
        except OSError:
            wrong += os.read(r, 8) != n.to_bytes(8, "little")
        wrong += guest.load64(at) != last
    guest.store64(desk, 1)
    os.close(r)
    os.close(w)
    return str(wrong + guest.join(helper))


def remapped(at: int, desk: int, value: int, turns: int, prot: int, is_shared: bool) -> str:
    """Another thread unmaps the page and maps a new one: the kernel finds zeros, what was just written, or EFAULT."""
    r, w = os.pipe()
    guest.mmap(at, PAGE, RW, guest.MAP_PRIVATE | ANON)
    wrong = 0
    helper = guest.clone(remap, at, desk)
    for n in range(1, 1 + turns):
        try:
            os.write(w, n.to_bytes(8, "little"))
            guest.read(r, at, 8)
        except OSError:
            os.read(r, 8)
        try:
            guest.write(w, at, 8)
            wrong += int.from_bytes(os.read(r, 8), "little") not in (0, n)
        except OSError:
            pass
    guest.store64(desk, 1)
    os.close(r)
    os.close(w)
    return str(wrong + guest.join(helper))


def copied(at: int, desk: int, value: int, turns: int, prot: int, is_shared: bool) -> str:
    """Forks while another thread writes: a child's copy is of one moment and stays so, and no write is lost."""
    guest.store64(at + 8, 0)
    guest.store64(at + 2048, 0)
    helper = guest.clone(count_up, at, desk)
    wrong = 0
    for _ in range(3):
        low = guest.load64(at + 2048)
        pid = os.fork()
        if pid == 0:
            second, first = guest.load64(at + 2048), guest.load64(at + 8)
            good = low <= second <= first
            if not is_shared:
                good = good and first <= second + 1
                for n in range(turns):
                    good = good and (guest.load64(at + 8), guest.load64(at + 2048)) == (first, second + n)
                    guest.store64(at + 2048, second + n + 1)
            os._exit(not good)
        wrong += status_of(pid)
    guest.store64(desk, 1)
    wrong += guest.join(helper)
    written = guest.load64(desk + 8)
    return str(wrong + (guest.load64(at + 8) != written) + (guest.load64(at + 2048) != written))


def ping_pong(at: int, desk: int, value: int, turns: int, prot: int, is_shared: bool) -> str:
    """Two take turns by a futex, a thread or (is_shared) a child; half-way a fork makes the page copy-on-write."""
    word = at + 16
    guest.store32(word, 0)
    helper = os.fork() if is_shared else guest.clone(play, word, turns)
    if helper == 0:
        play(word, turns)
        os._exit(0)
    for turn in range(turns):
        if turn == turns // 2:
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        guest.store32(word, 2 * turn + 1)
        guest.futex_wake(word, 1)
        await_word(word, 2 * turn + 2)
    return str(guest.load32(word) + (status_of(helper) if is_shared else guest.join(helper)))


def flood(at: int, desk: int, value: int, turns: int, prot: int, is_shared: bool) -> str:
    """A thread and a child write more than a pipe holds, page by page: no page is torn, none is lost."""
    r, w = os.pipe()
    buffer = desk + 2 * PAGE
    guest.store(at, bytes([value]) * PAGE)
    pid = os.fork()
    if pid == 0:
        guest.store(buffer, bytes([value ^ 255]) * PAGE)
        pour(buffer, w)
        os._exit(0)
    helper = guest.clone(pour, at, w)
    seen = [0, 0]
    for _ in range(2 * RECORDS):
        got = guest.read(r, buffer, PAGE)
        data = guest.load(buffer, PAGE)
        if got == PAGE and data == bytes([data[0]]) * PAGE:
            seen[data[0] != value] += 1
    wrong = status_of(pid) + guest.join(helper)
    os.close(r)
    os.close(w)
    return f"{seen[0]},{seen[1]},{wrong}"


def withdrawn(at: int, desk: int, value: int, turns: int, prot: int, is_shared: bool) -> str:
    """In a child, a page that one thread is writing is protected or unmapped by another: SIGSEGV, no more writes."""
    seen = desk + PAGE
    pid = os.fork()
    if pid == 0:
        guest.clone(hammer, at, desk)
        while guest.load64(desk) < 3:
            os.sched_yield()
        if value % 3 == 0:
            guest.munmap(at, PAGE)
        elif value % 3 == 1:
            guest.mprotect(at, PAGE, guest.PROT_NONE)
        else:
            guest.mprotect(at, PAGE, guest.PROT_READ)
            guest.store64(seen, guest.load64(at))
        while True:
            os.sched_yield()
    ended, last = status_of(pid), guest.load64(seen)  # it may have been too late to say what it saw: 0
    return str(ended - bool(is_shared and last and guest.load64(at) != last))


def truncated(at: int, desk: int, value: int, turns: int, prot: int, is_shared: bool) -> str:
    """The file is cut off under a child that writes its second page, shared or its own: SIGBUS; the first stays."""
    fd = os.memfd_create("short")
    os.ftruncate(fd, 2 * PAGE)
    first, second = desk + PAGE, desk + 2 * PAGE
    guest.mmap(first, PAGE, RW, guest.MAP_SHARED | guest.MAP_FIXED, fd, 0)
    kind = guest.MAP_PRIVATE if value % 2 else guest.MAP_SHARED
    guest.mmap(second, PAGE, RW, kind | guest.MAP_FIXED, fd, PAGE)
    pid = os.fork()
    if pid == 0:
        hammer(second, first)
    while guest.load64(first) < 3:
        os.sched_yield()
    os.ftruncate(fd, PAGE)
    ended = status_of(pid)
    os.ftruncate(fd, 2 * PAGE)
    os.close(fd)
    return f"{ended},{guest.load64(first) >= 3},{guest.load64(second)}"


CONTESTS = (zapped, flipped, remapped, copied, ping_pong, flood, withdrawn, truncated)


def race(at: int, desk: int, contest: int, value: int, turns: int, prot: int, is_shared: bool) -> str:
    """One contest on a page, which is filled with `value` at the end."""
    guest.mmap(desk, 3 * PAGE, RW, guest.MAP_PRIVATE | ANON)
    guest.mmap(desk + PAGE, PAGE, RW, guest.MAP_SHARED | ANON)
    try:
        said = CONTESTS[contest](at, desk, value, turns, prot, is_shared)
    finally:
        guest.store64(desk, 1)
    guest.munmap(desk, 3 * PAGE)
    guest.store(at, bytes([value]) * PAGE)
    return said
