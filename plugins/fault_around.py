"""Fault-around: a read fault in a file maps the pages beside it too, if the page cache has them already.

Linux's do_fault_around(), mm/memory.c (Kirill Shutemov, 2014): 16 pages by default, never a page that is not in
memory, never for a write. Here for anonymous private memory it would buy nothing: there the pages do not exist yet.
"""

from __future__ import annotations

from kos.api import (
    PAGE_SIZE,
    PTE_COW,
    PTE_FILE,
    PTE_P,
    PTE_W,
    VM_SHARED,
    VM_WRITE,
    WRITE,
    Fault,
    FaultHandler,
    FaultResult,
    Options,
    OptionTable,
    entry_bits,
    find_pte,
    frames,
    hookimpl,
    map_if_cached,
    mappings,
)


class FaultAround:
    """FaultHandler: maps the neighbours, and leaves the page itself to the kernel. pages: window, in pages."""

    name = "around"

    def __init__(self, pages: int) -> None:
        self.pages = pages

    def handle(self, fault: Fault) -> FaultResult | None:
        vma = fault.vma
        if not vma.mapping or fault.access == WRITE or fault.entry & PTE_P:
            return None
        span = self.pages * PAGE_SIZE
        window = fault.vaddr // span * span
        bits = entry_bits(vma) | PTE_FILE
        if vma.flags & VM_WRITE:
            bits |= PTE_W if vma.flags & VM_SHARED else PTE_COW
        for vaddr in range(max(window, vma.start), min(window + span, vma.end), PAGE_SIZE):
            at = find_pte(fault.mm.pgd, vaddr)
            if vaddr == fault.vaddr or not at or frames.mem64[at]:
                continue
            pfn = map_if_cached(mappings[vma.mapping], vma.pgoff + (vaddr - vma.start) // PAGE_SIZE)
            if pfn:
                frames.mem64[at] = pfn << 12 | bits
                fault.mm.rss_file += 1
        return None


@hookimpl
def kos_options(table: OptionTable) -> None:
    table.add("pages", 16, "pages that one fault may map, a power of two", choices=(2, 4, 8, 16, 32, 64))


@hookimpl
def kos_fault_handlers(options: Options) -> FaultHandler:
    return FaultAround(options["pages"])
