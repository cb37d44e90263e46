"""A stack that grows down: expand_downwards(), Linux 6.0 mm/mmap.c, and the gap that it keeps below itself."""

from __future__ import annotations

from kos.mm.limits import charge, count_vm, may_expand, settings
from kos.mm.structs import VM_ACCOUNT, VM_GROWSDOWN, VM_PROT, Mm, Vma, vmas
from kos.mm.vma import set_bounds

GUARD_GAP = 256 << 12  #: bytes below a growing stack that stay unmapped (Linux: stack_guard_gap)
MMAP_LOW = 1 << 16  #: nothing is mapped below this unless asked to (Linux: mmap_min_addr)


def expand(mm: Mm, vma: Vma, vaddr: int) -> bool:
    """Grow a VM_GROWSDOWN mapping down to the page at vaddr, if limits and the gap allow; mm lock held."""
    if vaddr < MMAP_LOW:
        return False
    pages = vma.start - vaddr >> 12
    limit = settings.current().stack
    if limit >= 0 and vma.end - vaddr > limit:
        return False
    if vma.prev:
        below = vmas[vma.prev]
        gap = 0 if below.flags & VM_GROWSDOWN or not below.flags & VM_PROT else GUARD_GAP
        if below.end + gap > vaddr:
            return False
    if not may_expand(mm, vma.flags, pages):
        return False
    if vma.flags & VM_ACCOUNT:
        if not charge(pages):
            return False
        mm.committed += pages
    vma.pgoff -= pages
    set_bounds(mm, vma, vaddr, vma.end)
    count_vm(mm, vma.flags, pages)
    return True
