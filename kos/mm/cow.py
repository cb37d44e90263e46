"""A write to a present page that is write-protected: copy-on-write, and the first write to a shared page.

Follows do_wp_page(), Linux 6.0 mm/memory.c, with its two rules. The last reference reuses the frame. Otherwise the
old entry is cleared and flushed from every CPU *before* the new one is set, so that no moment exists at which two
threads of this process see two different frames at one address; and the old frame's reference is dropped only
after that flush, so that nobody reuses it while a stale translation is left.
"""

from __future__ import annotations

from kos.errors import KernelBug
from kos.hw.cpu import this
from kos.hw.phys import copy_frame, frames
from kos.hw.pte import PFN_MASK, PTE_A, PTE_COW, PTE_D, PTE_FILE, PTE_SPECIAL, PTE_W, WRITE, show
from kos.hw.tlb import slots
from kos.mm.fault import OK, Fault, FaultResult, give_frame
from kos.mm.page import is_last_reference
from kos.mm.page_alloc import alloc_page
from kos.mm.shootdown import StaleEntry
from kos.mm.structs import VM_SHARED
from kos.trace.events import COW_COPY


def handle(fault: Fault) -> FaultResult:
    """The entry is present and does not allow the access, the VMA does. mm lock held."""
    entry = fault.entry
    vma = fault.vma
    if fault.access != WRITE:
        raise KernelBug(f"entry at {fault.vaddr:#x} forbids a read that its VMA allows: {show(entry)}")
    block = this.block
    if vma.flags & VM_SHARED:
        fault.set_entry(entry | PTE_W)
        _forget_here(fault)
        fault.kind = "shared_write"
        return OK
    pfn = entry >> 12 & PFN_MASK
    if not entry & (PTE_SPECIAL | PTE_FILE) and is_last_reference(pfn):
        fault.set_entry((entry | PTE_W | PTE_A | PTE_D) & ~PTE_COW)
        _forget_here(fault)
        fault.kind = "cow_reuse"
        block.nr_fault_cow_reuse += 1
        return OK
    fresh = alloc_page(zeroed=bool(entry & PTE_SPECIAL))
    if not fresh:
        return FaultResult.OOM
    if not entry & PTE_SPECIAL:
        copy_frame(fresh, pfn)
    frames.mem64[fault.at] = 0
    StaleEntry(fault.mm, fault.vaddr, entry).invalidate("cow")
    give_frame(fault, fresh)
    mm = fault.mm
    if entry & PTE_SPECIAL:
        mm.rss_anon += 1
        fault.kind = "zero"
        block.nr_fault_zero += 1
        return OK
    if entry & PTE_FILE:
        mm.rss_file -= 1
        mm.rss_anon += 1
    mm.nr_cow += 1
    fault.kind = "cow_copy"
    block.nr_fault_cow_copy += 1
    if COW_COPY.on:
        COW_COPY(vaddr=fault.vaddr, old_pfn=pfn, new_pfn=fresh)
    return OK


def _forget_here(fault: Fault) -> None:
    """The entry gained a right: our own TLB must look again; others find out by a spurious fault."""
    if this.mm is fault.mm:
        slots.flush_page(fault.vaddr)
