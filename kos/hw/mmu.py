"""The memory management unit: walks the page tables, sets accessed and dirty, fills the TLB.

It takes no lock, as hardware takes none: an entry is changed by compare-and-exchange, so that a kernel that clears
it at the same moment wins. Nothing is polled between the walk and the access that follows it, so a kernel that has
this CPU's acknowledgement knows that no access on an old translation is under way.
"""

from __future__ import annotations

from kos.hw.phys import frames
from kos.hw.pte import EXEC, PFN_MASK, PTE_A, PTE_D, PTE_NX, PTE_P, PTE_U, PTE_W, WRITE
from kos.hw.tlb import hot, slots
from kos.platform.host.atomic import compare_exchange64

_TABLE = PFN_MASK << 12  # the bits of an entry that are the physical address of what it names
_USER = PTE_P | PTE_U
_WRITTEN = PTE_A | PTE_D


def find_pte(pgd: int, vaddr: int) -> int:
    """Word index of the leaf entry for an address, or 0 where there is no table."""
    words = frames.mem64
    e = words[(pgd << 9) + (vaddr >> 39 & 511)]
    if not e & PTE_P:
        return 0
    e = words[((e & _TABLE) >> 3) + (vaddr >> 30 & 511)]
    if not e & PTE_P:
        return 0
    e = words[((e & _TABLE) >> 3) + (vaddr >> 21 & 511)]
    return ((e & _TABLE) >> 3) + (vaddr >> 12 & 511) if e & PTE_P else 0


def find_leaf(pgd: int, vaddr: int) -> int:
    """Frame of the leaf table for an address, or 0."""
    return find_pte(pgd, vaddr) >> 9


def fill(pgd: int, vaddr: int, access: int) -> bool:
    """Walk, set A (and D for a write), put the translation into the TLB. False: page fault.

    vaddr: in user space. A page is writable if the write bits of all four levels are set.
    """
    words = frames.mem64
    # Four loads, written out: a loop over the levels takes 0.4 us more, and this runs twice a fault.
    rights = words[(pgd << 9) + (vaddr >> 39 & 511)]
    if not rights & PTE_P:
        return False
    e = words[((rights & _TABLE) >> 3) + (vaddr >> 30 & 511)]
    if not e & PTE_P:
        return False
    rights &= e
    e = words[((e & _TABLE) >> 3) + (vaddr >> 21 & 511)]
    if not e & PTE_P:
        return False
    rights &= e
    at = ((e & _TABLE) >> 3) + (vaddr >> 12 & 511)
    e = words[at]
    marks = _WRITTEN if access == WRITE else PTE_A
    while True:
        if e & _USER != _USER:
            return False
        if access == WRITE:
            if not e & rights & PTE_W:
                return False
        elif access == EXEC and e & PTE_NX:
            return False
        if e & marks == marks:
            break
        new = e | marks
        old = compare_exchange64(frames.addr + (at << 3), e, new)
        if old == e:
            e = new
            break
        e = old
    page = vaddr & ~4095
    writable = access == WRITE or bool(e & rights & PTE_W and e & PTE_D)
    if hot.has_windows:  # the new entry may evict others
        hot.close_windows()
    slots.model.insert(slots.asid, page >> 12, (e & _TABLE) - page, writable)
    return True
