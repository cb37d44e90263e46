"""The heap: brk(). Follows SYSCALL_DEFINE1(brk) in mm/mmap.c of Linux 6.0."""

from __future__ import annotations

from kos.errors import GuestFault
from kos.mm.limits import charge, count_vm, may_expand, settings, uncharge
from kos.mm.mmap import gap_below, page_align, unmap_locked
from kos.mm.structs import VM_ACCOUNT, VM_HEAP, VM_MAYWRITE, VM_READ, VM_WRITE, Mm, mm_lock
from kos.mm.vma import alloc_vma, find_vma, link_vma, merge_around
from kos.params import USER_TOP

_FLAGS = VM_READ | VM_WRITE | VM_MAYWRITE | VM_ACCOUNT | VM_HEAP


def do_brk(mm: Mm, addr: int) -> int:
    """Move the end of the heap to addr; returns the end after the call, unchanged where that cannot be."""
    with mm_lock(mm):
        if not mm.brk_start <= addr < USER_TOP:
            return mm.brk_end
        limit = settings.current().data
        if limit >= 0 and addr - mm.brk_start > limit:
            return mm.brk_end
        old = page_align(mm.brk_end)
        new = page_align(addr)
        if new < old:
            try:
                unmap_locked(mm, new, old)
            except GuestFault:
                return mm.brk_end
        elif new > old and not _grow(mm, old, new):
            return mm.brk_end
        mm.brk_end = addr
        return addr


def _grow(mm: Mm, start: int, end: int) -> bool:
    pages = end - start >> 12
    above = find_vma(mm, start)
    if above is not None and gap_below(above) < end:
        return False
    if not may_expand(mm, _FLAGS, pages) or not charge(pages):
        return False
    v = alloc_vma()
    if v is None:
        uncharge(pages)
        return False
    v.start = start
    v.end = end
    v.pgoff = start >> 12
    v.flags = _FLAGS
    link_vma(mm, v)
    count_vm(mm, _FLAGS, pages)
    mm.committed += pages
    merge_around(mm, start, end)
    return True
