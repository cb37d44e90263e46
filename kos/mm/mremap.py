"""mremap: shrink, grow in place, or move. Follows mm/mremap.c of Linux 6.0: entries move, frames stay."""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.mmu import find_pte
from kos.hw.phys import frames
from kos.mm.limits import charge, count_vm, require_expand, uncharge
from kos.mm.mmap import (
    MAX_MAP_COUNT,
    gap_below,
    get_unmapped_area,
    isolate,
    page_align,
    unmap_locked,
)
from kos.mm.pgtable import leaf_slices, make_pte
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import VM_ACCOUNT, VM_GROWSDOWN, VM_SHARED, Mm, Vma, mappings, mm_lock, mms_lock
from kos.mm.vma import alloc_vma, link_vma, merge_around, overlapping, set_bounds, vma_at
from kos.params import PAGE_SIZE, USER_TOP

MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP = 1, 2, 4


def do_mremap(mm: Mm, addr: int, old_len: int, new_len: int, flags: int = 0, new_addr: int = 0) -> int:
    """Resize or move a mapping; returns its address. Raises GuestFault, with the mapping as it was.

    old_len 0 of a shared mapping makes a second mapping of the same pages.
    """
    if flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) or addr & PAGE_SIZE - 1 or new_len <= 0:
        raise GuestFault(errno.EINVAL)
    if flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) and not flags & MREMAP_MAYMOVE:
        raise GuestFault(errno.EINVAL)
    if flags & MREMAP_DONTUNMAP and page_align(old_len) != page_align(new_len):
        raise GuestFault(errno.EINVAL)
    old, new = page_align(old_len) % (1 << 64), page_align(new_len) % (1 << 64)  # as in a register
    if not 0 < new <= USER_TOP:
        raise GuestFault(errno.EINVAL)
    if flags & MREMAP_FIXED:
        is_bad = new_addr & PAGE_SIZE - 1 or not 0 <= new_addr <= USER_TOP - new
        if is_bad or (addr + old > new_addr and new_addr + new > addr):
            raise GuestFault(errno.EINVAL)
    with mm_lock(mm):
        v = vma_at(mm, addr)
        if v is None:
            raise GuestFault(errno.EFAULT)
        if not flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) and new <= old and old:
            if addr + old > USER_TOP:
                raise GuestFault(errno.EINVAL)
            if new < old:
                unmap_locked(mm, addr + new, addr + old)
            return addr
        if not old and not v.flags & VM_SHARED:
            raise GuestFault(errno.EINVAL)
        if addr + old > v.end:
            raise GuestFault(errno.EFAULT)
        if flags & MREMAP_FIXED:
            unmap_locked(mm, new_addr, new_addr + new)
            if new < old:
                unmap_locked(mm, addr + new, addr + old)
                old = new
            v = vma_at(mm, addr)
            if v is None:
                raise GuestFault(errno.EFAULT)
            return _move(mm, v, addr, old, new, new_addr, bool(flags & MREMAP_DONTUNMAP))
        if not flags & MREMAP_DONTUNMAP and old and addr + old == v.end and _grow_in_place(mm, v, addr + new):
            return addr
        if not flags & MREMAP_MAYMOVE:
            raise GuestFault(errno.ENOMEM)
        target = get_unmapped_area(mm, 0, new)
        return _move(mm, v, addr, old, new, target, bool(flags & MREMAP_DONTUNMAP))


def _grow_in_place(mm: Mm, v: Vma, end: int) -> bool:
    """Extend a VMA upwards if nothing is in the way. Raises GuestFault(ENOMEM) for a limit."""
    above = overlapping(mm, v.end, end + (1 << 20))
    if end > USER_TOP or any(gap_below(a) < end for a in above):
        return False
    pages = end - v.end >> 12
    require_expand(mm, v.flags, pages)
    if v.flags & VM_ACCOUNT:
        if not charge(pages):
            raise GuestFault(errno.ENOMEM)
        mm.committed += pages
    start = v.start
    set_bounds(mm, v, start, end)
    count_vm(mm, v.flags, pages)
    merge_around(mm, start, end)
    return True


def _move(mm: Mm, v: Vma, addr: int, old: int, new: int, target: int, keep: bool) -> int:
    """Make the new VMA, move the entries, flush, unmap the old place. Undone if memory runs out."""
    pages = new >> 12
    require_expand(mm, v.flags, pages)
    if mm.nr_vmas + 3 > MAX_MAP_COUNT:
        raise GuestFault(errno.ENOMEM)
    charged = pages if v.flags & VM_ACCOUNT else 0
    if not charge(charged):
        raise GuestFault(errno.ENOMEM)
    w = alloc_vma()
    if w is None:
        uncharge(charged)
        raise GuestFault(errno.ENOMEM)
    w.start = target
    w.end = target + new
    w.flags = v.flags & ~VM_GROWSDOWN if new != old else v.flags
    w.mapping = v.mapping
    w.pgoff = v.pgoff + (addr - v.start >> 12)
    if w.mapping:
        with mms_lock:
            mappings[w.mapping].refs += 1
    link_vma(mm, w)
    count_vm(mm, w.flags, pages)
    mm.committed += charged
    try:
        _move_entries(mm, addr, addr + old, target)
        if old and not keep:
            isolate(mm, addr, addr + old)  # so that the unmapping below cannot fail
    except GuestFault:
        _move_entries(mm, target, target + old, addr)
        unmap_locked(mm, target, target + new)
        raise
    if old and not keep:
        unmap_locked(mm, addr, addr + old)
    merge_around(mm, target, target + new)
    return target


def _move_entries(mm: Mm, start: int, end: int, target: int) -> None:
    """Move page-table entries; the frames keep their references. Raises GuestFault(ENOMEM), some moved."""
    words = frames.mem64
    stale = StaleBatch(mm)
    try:
        for vaddr, at, count in leaf_slices(mm.pgd, start, end):
            for k in range(count):
                e = words[at + k]
                if not e:
                    continue
                where = vaddr + (k << 12)
                to = find_pte(mm.pgd, target + where - start) or make_pte(mm, target + where - start)
                if not to:
                    raise GuestFault(errno.ENOMEM)
                # The old entry first: no moment at which two addresses lead to one private frame.
                words[at + k] = 0
                words[to] = e
                stale.add_downgrade(where, PAGE_SIZE, 1)
    finally:
        stale.invalidate("mremap")
