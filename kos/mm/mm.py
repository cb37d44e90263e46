"""Address spaces come and go: mm_alloc(), mmget(), mmput()."""

from __future__ import annotations

import errno

from kos.errors import GuestFault, KernelBug
from kos.mm.pgtable import alloc_table
from kos.mm.structs import Mm, mms, mms_lock, totals
from kos.mm.teardown import exit_mmap
from kos.params import USER_TOP

STACK_TOP = USER_TOP  #: the main stack ends here
STACK_ROOM = 128 << 20  #: least distance between the stack's top and new mappings (Linux: MIN_GAP)
HEAP_START = 0x5555_5575_6000  #: where Linux puts the heap of a program that is not randomised


def mm_alloc(family: int = 0) -> Mm:
    """An empty address space with one user. family: of the mm that it is forked from; 0 = a new one.

    Raises GuestFault(ENOMEM).
    """
    with mms_lock:
        mm = mms.alloc()
        if mm is not None:
            t = totals.s
            t.next_ctx += 1
            ctx = t.next_ctx
            if not family:
                t.next_family += 1
                family = t.next_family
    if mm is None:
        raise GuestFault(errno.ENOMEM)
    mm.users = 1
    mm.family = family
    pgd = alloc_table()
    if not pgd:
        _free_slot(mm)
        raise GuestFault(errno.ENOMEM)
    mm.pgd = pgd
    mm.nr_tables = 1
    mm.tlb_gen = 1
    mm.map_seq = 1
    mm.brk_start = mm.brk_end = HEAP_START
    mm.stack_top = STACK_TOP
    mm.mmap_base = STACK_TOP - STACK_ROOM
    mm.ctx_id = ctx
    return mm


def mmget(mm: Mm) -> Mm:
    """One more user."""
    with mms_lock:
        if not mm.users:
            raise KernelBug(f"mm {mm.index} used after its last user left")
        mm.users += 1
    return mm


def mmput(mm: Mm) -> None:
    """A user leaves; the last one frees all. That CPU should have loaded another mm, or none, before."""
    with mms_lock:
        if not mm.users:
            raise KernelBug(f"mm {mm.index} put that has no users")
        mm.users -= 1
        is_last = not mm.users
    if is_last:
        exit_mmap(mm)
        mm.ctx_id = 0
        _free_slot(mm)


def _free_slot(mm: Mm) -> None:
    with mms_lock:
        mms.free(mm)
