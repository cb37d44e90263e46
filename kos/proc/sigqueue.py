"""What a waiting signal has to tell: the queues behind the sets of pending signals. Linux: struct sigqueue.

A set, a task's own or its process's, says which signals wait. The queue beside it has an entry for each, in the order
in which they came: a standard signal waits once, however often it is sent meanwhile, a real-time one as often as it is
sent. A signal for which there was no entry left waits all the same, once, with nothing to tell; Linux does so, too.
"""

from __future__ import annotations

from typing import NamedTuple

from kos.arena.layout import Struct, i32, layout, u32
from kos.arena.table import Table
from kos.proc.sigdefs import SIGRTMIN, bit
from kos.sched.structs import Process, Task
from kos.sync.spinlock import SpinLock

SI_USER, SI_KERNEL, SI_TKILL = 0, 0x80, -6  #: siginfo's si_code: kill(), the kernel itself, tgkill()


class Info(NamedTuple):
    """siginfo: why the signal came, and from whom. status: of the child that SIGCHLD is about."""

    code: int
    pid: int = 0
    uid: int = 0
    status: int = 0


FROM_KERNEL = Info(SI_KERNEL)
UNKNOWN = Info(SI_USER)


@layout(size=32)
class Entry(Struct):
    """One signal that waits; the signal lock of the process that it waits for held."""

    next: u32  #: sent later; 0 = the last one
    sig: u32
    code: i32
    pid: i32
    uid: u32
    status: i32
    pad0: u32
    pad1: u32


entries: Table[Entry] = Table(Entry, "signal_queue", 65536)
entries_lock = SpinLock("sigqueue", "sigqueue")  #: the free list of entries

Owner = Task | Process  #: whose signals: .sig_first and .sig_last are its queue


def append_locked(owner: Owner, sig: int, info: Info) -> None:
    """The signal waits now, and will tell this; signal lock held."""
    with entries_lock:
        entry = entries.alloc()
    if entry is None:
        return
    entry.sig = sig
    entry.code, entry.pid, entry.uid, entry.status = info
    if owner.sig_last:
        entries[owner.sig_last].next = entry.index
    else:
        owner.sig_first = entry.index
    owner.sig_last = entry.index


def take_locked(owner: Owner, sig: int) -> tuple[Info, bool]:
    """(what the first such signal tells, does another one wait?); signal lock held."""
    info, more, found = UNKNOWN, False, 0
    before, at = 0, owner.sig_first
    while at:
        entry = entries[at]
        if entry.sig != sig:
            before = at
        elif not found:
            found = at
            info = Info(entry.code, entry.pid, entry.uid, entry.status)
            _unlink(owner, before, entry)
        else:
            more = True
            break
        at = entry.next
    if found:
        _free(found)
    return info, more and sig >= SIGRTMIN


def drop_locked(owner: Owner, mask: int) -> None:
    """The signals of this mask wait no more; signal lock held, or the owner is not to be found any more."""
    before, at = 0, owner.sig_first
    while at:
        entry = entries[at]
        after = entry.next
        if mask & bit(entry.sig):
            _unlink(owner, before, entry)
            _free(at)
        else:
            before = at
        at = after


def _unlink(owner: Owner, before: int, entry: Entry) -> None:
    if before:
        entries[before].next = entry.next
    else:
        owner.sig_first = entry.next
    if not entry.next:
        owner.sig_last = before


def _free(slot: int) -> None:
    with entries_lock:
        entries.free(entries[slot])
