"""mincore and msync: which pages are resident, and (nothing to do) writing them back."""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.mmu import find_pte
from kos.hw.phys import frames
from kos.hw.pte import PTE_P
from kos.mm.mmap import page_align
from kos.mm.pagecache import find_page
from kos.mm.structs import Mm, mapping_lock, mappings, mm_lock
from kos.mm.vma import overlapping
from kos.params import PAGE_SIZE, USER_TOP

MS_ASYNC, MS_INVALIDATE, MS_SYNC = 1, 2, 4


def do_mincore(mm: Mm, addr: int, length: int) -> bytes:
    """One byte a page, 1 = resident (of a file: in the page cache). GuestFault(EINVAL, ENOMEM)."""
    if addr & PAGE_SIZE - 1:
        raise GuestFault(errno.EINVAL)
    end = addr + page_align(length)
    if length < 0 or not 0 <= addr <= end <= USER_TOP:
        raise GuestFault(errno.ENOMEM)
    out = bytearray()
    with mm_lock(mm):
        for v in overlapping(mm, addr, end):
            start = max(addr, v.start)
            if start != addr + (len(out) << 12):
                raise GuestFault(errno.ENOMEM)
            for vaddr in range(start, min(end, v.end), PAGE_SIZE):
                at = find_pte(mm.pgd, vaddr)
                is_there = bool(at and frames.mem64[at] & PTE_P)
                if not is_there and v.mapping:
                    m = mappings[v.mapping]
                    with mapping_lock(m):
                        is_there = bool(find_page(m, v.pgoff + (vaddr - v.start >> 12)))
                out.append(is_there)
    if addr + (len(out) << 12) < end:
        raise GuestFault(errno.ENOMEM)
    return bytes(out)


def do_msync(mm: Mm, addr: int, length: int, flags: int) -> None:
    """Files live in memory and mappings share their pages, so only the arguments are checked."""
    if addr & PAGE_SIZE - 1 or flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) or (flags & MS_ASYNC and flags & MS_SYNC):
        raise GuestFault(errno.EINVAL)
    end = addr + page_align(length) % (1 << 64)  # Linux checks for the wrap of the sum only
    if length and end == addr:
        return
    if not 0 <= addr <= end <= USER_TOP:
        raise GuestFault(errno.ENOMEM)
    with mm_lock(mm):
        reached = addr
        for v in overlapping(mm, addr, end):
            if v.start > reached:
                break
            reached = v.end
    if reached < end:
        raise GuestFault(errno.ENOMEM)
