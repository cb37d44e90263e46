"""Private anonymous memory: the shared zero page for reads, a fresh frame for the first write.

Follows do_anonymous_page(), Linux 6.0 mm/memory.c.
"""

from __future__ import annotations

from kos.hw.cpu import this
from kos.hw.phys import ZERO_PFN
from kos.hw.pte import PTE_SPECIAL, WRITE
from kos.mm.fault import OK, Fault, FaultResult, entry_bits, give_frame
from kos.mm.page_alloc import alloc_page
from kos.mm.structs import VM_ANON_PAGES


def handle(fault: Fault) -> FaultResult:
    """The page was never touched. mm lock held."""
    vma = fault.vma
    if fault.access != WRITE:
        fault.set_entry(ZERO_PFN << 12 | entry_bits(vma) | PTE_SPECIAL)
        vma.flags |= VM_ANON_PAGES  # else fork would leave the child's entry to a fault: equal, but not the same
        fault.kind = "zeropage"
        this.block.nr_fault_zeropage += 1
        return OK
    pfn = alloc_page()
    if not pfn:
        return FaultResult.OOM
    give_frame(fault, pfn)
    fault.mm.rss_anon += 1
    fault.kind = "zero"
    this.block.nr_fault_zero += 1
    return OK
