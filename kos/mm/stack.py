"""Stacks: the main one grows down on demand (kos/mm/grow.py); a thread's is of fixed size, a guard page below it."""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.mm.grow import GUARD_GAP
from kos.mm.limits import charge, count_vm, uncharge
from kos.mm.mmap import MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE, do_mmap, do_munmap
from kos.mm.mprotect import do_mprotect
from kos.mm.structs import VM_ACCOUNT, VM_GROWSDOWN, VM_MAYWRITE, VM_READ, VM_STACK, VM_WRITE, Mm, mm_lock
from kos.mm.vma import alloc_vma, link_vma
from kos.params import PAGE_SIZE

INITIAL = 33 << 12  #: bytes of a new main stack


def setup_stack(mm: Mm, limit: int = -1) -> int:
    """Make the main stack of a new address space; returns its top. limit: bytes, -1 = none; it sets mmap_base.

    Raises GuestFault(ENOMEM).
    """
    top = mm.stack_top
    size = INITIAL if limit < 0 else max(PAGE_SIZE, min(INITIAL, limit & ~(PAGE_SIZE - 1)))
    pages = size >> 12
    with mm_lock(mm):
        # Room for what the limit allows, at least 128 MiB and at most 5/6 of all (Linux: mmap_base()).
        room = top // 6 * 5 if limit < 0 else min(max(limit + GUARD_GAP, 128 << 20), top // 6 * 5)
        if limit >= 0:
            mm.mmap_base = top - room & ~(PAGE_SIZE - 1)
        if not charge(pages):
            raise GuestFault(errno.ENOMEM)
        v = alloc_vma()
        if v is None:
            uncharge(pages)
            raise GuestFault(errno.ENOMEM)
        v.start = top - size
        v.end = top
        v.pgoff = v.start >> 12
        v.flags = VM_READ | VM_WRITE | VM_MAYWRITE | VM_GROWSDOWN | VM_ACCOUNT | VM_STACK
        link_vma(mm, v)
        count_vm(mm, v.flags, pages)
        mm.committed += pages
    return top


def setup_thread_stack(mm: Mm, size: int = 1 << 20) -> tuple[int, int]:
    """Map a stack for a thread, a guard page below it; returns (lowest usable byte, top)."""
    size = size + PAGE_SIZE - 1 & ~(PAGE_SIZE - 1)
    low = do_mmap(mm, 0, size + PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    try:
        do_mprotect(mm, low, PAGE_SIZE, 0)
    except GuestFault:
        do_munmap(mm, low, size + PAGE_SIZE)
        raise
    return low + PAGE_SIZE, low + PAGE_SIZE + size
