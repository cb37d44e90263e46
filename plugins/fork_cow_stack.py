"""Copy-on-write fork that resolves the top of the stack at once: the pages that both sides will surely write.

MINIX 3's VM does it for the page of the pending message (do_fork() calls handle_memory_once() for parent and child);
JOS' user-level fork gives the child a fresh exception stack. Here the child gets copies, and the parent keeps its
frames writable: two faults and a copy less on each side. It costs `pages` copies where the child execs at once.
In kos a task's Python frames are saved at the top of its stack, so these pages are written at every switch.
"""

from __future__ import annotations

import errno

from kos.api import (
    PAGE_SIZE,
    PFN_MASK,
    PTE_COW,
    PTE_FILE,
    PTE_P,
    PTE_SPECIAL,
    PTE_W,
    VM_GROWSDOWN,
    ForkPolicy,
    GuestFault,
    Mm,
    Options,
    OptionTable,
    Vma,
    adopt_anon,
    alloc_page,
    copy_frame,
    find_pte,
    frames,
    hookimpl,
    make_pte,
    share_range,
)


class CowStackFork:
    """ForkPolicy. pages: how many pages at the top of a stack are copied at fork."""

    name = "cow_stack"

    def __init__(self, pages: int) -> None:
        self.pages = pages

    def copy_range(self, old: Mm, new: Mm, vma: Vma) -> None:
        top = vma.end - self.pages * PAGE_SIZE if vma.flags & VM_GROWSDOWN else vma.end
        split = max(vma.start, top)
        share_range(old, new, vma.start, split)
        for vaddr in range(split, vma.end, PAGE_SIZE):
            self._copy_page(old, new, vaddr)

    def _copy_page(self, old: Mm, new: Mm, vaddr: int) -> None:
        """The child's own copy of a page that is the parent's alone; anything else is shared as usual."""
        at = find_pte(old.pgd, vaddr)
        entry = frames.mem64[at] if at else 0
        # Writable means: no other address space maps the frame.
        if not entry & PTE_P or not entry & PTE_W or entry & (PTE_SPECIAL | PTE_FILE | PTE_COW):
            share_range(old, new, vaddr, vaddr + PAGE_SIZE)
            return
        there = make_pte(new, vaddr)
        pfn = alloc_page(zeroed=False) if there else 0
        if not pfn:
            raise GuestFault(errno.ENOMEM)
        copy_frame(pfn, entry >> 12 & PFN_MASK)
        adopt_anon(pfn, new.family, vaddr >> 12)
        frames.mem64[there] = entry & ~(PFN_MASK << 12) | pfn << 12
        new.rss_anon += 1

    def must_flush(self) -> bool:
        return True


@hookimpl
def kos_options(table: OptionTable) -> None:
    table.add("pages", 1, "pages at the top of each stack that are copied at fork", least=0)


@hookimpl
def kos_fork_policy(options: Options) -> ForkPolicy:
    return CowStackFork(options["pages"])
