"""mprotect: rights of whole pages. Follows mm/mprotect.c of Linux 6.0."""

from __future__ import annotations

import errno

import numpy as np

from kos.errors import GuestFault
from kos.hw.phys import frames
from kos.hw.pte import PTE_NX, PTE_U, PTE_W
from kos.mm.limits import charge, count_vm, is_accountable, may_expand
from kos.mm.mmap import isolate, page_align
from kos.mm.pgtable import leaf_slices
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import VM_ACCOUNT, VM_EXEC, VM_MAYWRITE, VM_PROT, VM_SHARED, VM_WRITE, Mm, Vma, mm_lock
from kos.mm.vma import merge_around
from kos.params import PAGE_SIZE, USER_TOP

PROT_SEM = 8  #: may be used for atomics: Linux takes it, and x86 has no use for it

_W = np.uint64(PTE_W)
_U = np.uint64(PTE_U)
_NX = np.uint64(PTE_NX)


def do_mprotect(mm: Mm, addr: int, length: int, prot: int) -> None:
    """Set the rights of every page of a range. Raises GuestFault: ENOMEM (a hole; pages before it are changed),
    EACCES, EINVAL."""
    if addr & PAGE_SIZE - 1 or prot & ~(VM_PROT | PROT_SEM):
        raise GuestFault(errno.EINVAL)
    if not length:
        return
    end = addr + page_align(length)
    if addr >= USER_TOP or end > 1 << 64:
        raise GuestFault(errno.ENOMEM)
    with mm_lock(mm):
        _protect(mm, addr, end, prot & VM_PROT)


def _protect(mm: Mm, start: int, end: int, prot: int) -> None:
    covered = isolate(mm, start, end)
    stale = StaleBatch(mm)
    reached = start
    failure = 0
    for v in covered:
        if v.start != reached:
            break
        failure = _protect_vma(mm, v, prot, stale)
        if failure:
            break
        reached = v.end
    stale.invalidate("mprotect")
    merge_around(mm, start, end)
    if failure or reached < end:
        raise GuestFault(failure or errno.ENOMEM)


def _protect_vma(mm: Mm, v: Vma, prot: int, stale: StaleBatch) -> int:
    """One whole VMA; returns an errno, 0 = done."""
    old = v.flags
    new = old & ~VM_PROT | prot
    if new == old:
        return 0
    pages = v.end - v.start >> 12
    if prot & VM_WRITE and old & VM_SHARED and not old & VM_MAYWRITE:
        return errno.EACCES
    if prot & VM_WRITE and may_expand(mm, old, pages) and not may_expand(mm, new, pages):
        return errno.ENOMEM  # what becomes data counts against RLIMIT_DATA
    if is_accountable(new) and not old & VM_ACCOUNT:
        # Private pages become writable: they may now each need a frame.
        if not charge(pages):
            return errno.ENOMEM
        mm.committed += pages
        new |= VM_ACCOUNT
    count_vm(mm, old, -pages)
    count_vm(mm, new, pages)
    v.flags = new
    change_protection(mm, v, stale)
    return 0


def change_protection(mm: Mm, v: Vma, stale: StaleBatch) -> None:
    """Make the entries follow the VMA's rights. Rights are taken from entries at once and given by the next fault."""
    is_open = bool(v.flags & VM_PROT)
    for vaddr, at, count in leaf_slices(mm.pgd, v.start, v.end):
        part = frames.np64[at : at + count]
        there = np.flatnonzero(part)
        if not len(there):
            continue
        old = part[there]
        new = old | _U if is_open else old & ~_U
        new = new & ~_NX if v.flags & VM_EXEC else new | _NX
        if not v.flags & VM_WRITE:
            new = new & ~_W
        changed = int(np.count_nonzero(new != old))
        if changed:
            part[there] = new
            # Where rights were only gained, too: between our reading and our storing a CPU that runs another thread
            # may have set A or D and filled its TLB, and the bits are gone. After the flush it sets them again.
            stale.add_downgrade(vaddr, count << 12, changed)
