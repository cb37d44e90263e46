"""Reverse mapping: from a frame, or a file, to the page-table entries that map it.

Page-cache frames lead to their Mapping, whose list of VMAs leads to addresses. Private frames carry a family and a
virtual page: all mms forked from one another are one family, and hold the page where a VMA's pgoff says (mremap
moves a VMA but not its pgoff), so a search of the family's mms finds every user. Linux keeps a tree for that
(anon_vma); here only inspection and the audit ask, so fork pays nothing.
"""

from __future__ import annotations

from kos.hw.mmu import find_pte
from kos.hw.phys import frames
from kos.hw.pte import PTE_P, pte_pfn
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import (
    PG_ANON,
    PG_CACHE,
    Mapping,
    Mm,
    Vma,
    mapping_lock,
    mappings,
    mm_lock,
    mms,
    page_flags,
    page_index,
    page_mapping,
)
from kos.mm.vma import for_each_vma, mapping_vmas
from kos.mm.zap import zap_range


def unmap_mapping_range(m: Mapping, first: int, last: int) -> None:
    """Clear every entry that maps pages first..last-1 of a file, private copies included; no lock held.

    The VMAs are found under the mapping lock, and looked for again under each mm's own: the order of locks
    does not allow to hold both that way round (Linux has i_mmap_rwsem inside the page-table lock's place).
    """
    with mapping_lock(m):
        owners = sorted({v.mm for v in mapping_vmas(m)})
    for slot in owners:
        mm = mms[slot]
        with mm_lock(mm):
            if not mm.users or not mm.pgd:
                continue
            stale = StaleBatch(mm)
            for v in for_each_vma(mm):
                if v.mapping == m.index:
                    start = max(v.start, v.start + (first - v.pgoff << 12))
                    end = min(v.end, v.start + (last - v.pgoff << 12))
                    if start < end:
                        zap_range(mm, start, end, stale)
            stale.invalidate("truncate")


def address_in(v: Vma, index: int) -> int:
    """Where a VMA maps a page of its contents, or -1."""
    vaddr = v.start + (index - v.pgoff << 12)
    return vaddr if v.start <= vaddr < v.end else -1


def users_of(pfn: int) -> list[tuple[Mm, int]]:
    """(mm, address) of every entry that maps a frame. For inspection: the machine should be quiet."""
    flags = page_flags.v[pfn]
    index = page_index.v[pfn]
    if flags & PG_CACHE:
        m = mappings[page_mapping.v[pfn]]
        candidates = [(mms[v.mm], v) for v in mapping_vmas(m)]
    elif flags & PG_ANON:
        family = page_mapping.v[pfn]
        kin = [mm for mm in mms.used() if mm.family == family and mm.pgd]
        candidates = [(mm, v) for mm in kin for v in for_each_vma(mm)]
    else:
        return []
    found = []
    for mm, v in candidates:
        vaddr = address_in(v, index)
        if vaddr < 0:
            continue
        at = find_pte(mm.pgd, vaddr)
        e = frames.mem64[at] if at else 0
        if e & PTE_P and pte_pfn(e) == pfn:
            found.append((mm, vaddr))
    return found
