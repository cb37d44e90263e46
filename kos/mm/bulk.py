"""What fork policies are made of: whole leaf tables copied, write-protected and counted in numpy sweeps.

7-8 ns an entry, where Linux takes 70-100 ns a page. The mm lock of the old address space is held, nobody knows
the new one. The hardware may set A or D in an entry between our load and our store and lose it: harmless, because
what lost its right to write is flushed from every TLB before fork returns, and the next access sets them again.
"""

from __future__ import annotations

import errno

import numpy as np

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.hw.ipi import poll_ipis
from kos.hw.mmu import find_leaf
from kos.hw.phys import Longs, Words, frames, pfns_of
from kos.hw.pte import PFN_MASK, PTE_A, PTE_COW, PTE_FILE, PTE_SPECIAL, PTE_W
from kos.mm.page import map_pages
from kos.mm.page_alloc import alloc_pages
from kos.mm.pgtable import LEAF_SPAN, add_leaves, leaf_slices, leaves_of, make_leaf
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import (
    PG_ANON,
    PG_USED,
    VM_WRITE,
    Mm,
    Vma,
    frame_lock,
    page_flags,
    page_index,
    page_mapcount,
    page_mapping,
    page_refcount,
)
from kos.params import PTRS_PER_TABLE

_W = np.uint64(PTE_W)
_A = np.uint64(PTE_A)
_COW = np.uint64(PTE_COW)
_SPECIAL = np.uint64(PTE_SPECIAL)
_FILE = np.uint64(PTE_FILE)
_TWELVE = np.uint64(12)
_PFN = np.uint64(PFN_MASK)
SHORT = 64  #: stretches this short with few pages in them are faster one by one
FEW = 8


def _leaf_for(new: Mm, vaddr: int) -> int:
    """Word index of the child's entry for an address, its table made where missing."""
    leaf = find_leaf(new.pgd, vaddr) or make_leaf(new, vaddr)
    if not leaf:
        raise GuestFault(errno.ENOMEM)
    return (leaf << 9) + (vaddr >> 12 & 511)


def share_range(old: Mm, new: Mm, start: int, end: int) -> None:
    """Let the child map the same frames; write-protect and mark them in both (Linux: copy_pte_range).

    Raises GuestFault(ENOMEM); what was shared until then stays counted and is undone with the child.
    """
    low, high = -(-start // LEAF_SPAN) * LEAF_SPAN, end // LEAF_SPAN * LEAF_SPAN
    if low >= high:
        _share_parts(old, new, start, end)
        return
    _share_parts(old, new, start, low)
    for vaddrs, leaves in leaves_of(old.pgd, low, high):
        _share_whole(new, vaddrs, leaves)
    _share_parts(old, new, high, end)


def _share_parts(old: Mm, new: Mm, start: int, end: int) -> None:
    """share_range() for parts of leaf tables."""
    for vaddr, at, count in leaf_slices(old.pgd, start, end):
        if count <= SHORT:
            live = [(k, e) for k, e in enumerate(frames.mem64[at : at + count].tolist()) if e]
            if len(live) <= FEW:
                if live:
                    _share_few(new, live, at, _leaf_for(new, vaddr))
                    _count_few(new, [e for _, e in live])
                continue
        part = frames.np64[at : at + count]
        there = np.flatnonzero(part)
        if not len(there):
            continue
        child = _leaf_for(new, vaddr)
        entries = part[there] & ~_W | _COW
        part[there] = entries
        frames.np64[child : child + count][there] = entries & ~_A
        _count_shared(new, entries)


def _share_whole(new: Mm, vaddrs: Longs, leaves: Longs) -> None:
    """share_range() for whole tables, many in one sweep: a numpy call on 512 entries is mostly overhead."""
    tables = frames.np64.reshape(-1, PTRS_PER_TABLE)
    entries = tables[leaves]
    full = bool(entries.min())
    if not full:
        used = entries.any(axis=1)
        if not used.all():
            vaddrs, leaves, entries = vaddrs[used], leaves[used], entries[used]
            if not len(leaves):
                return
    present = None if full else entries != 0
    entries &= ~_W
    entries |= _COW
    if present is not None:
        entries *= present  # an empty entry stays empty
    tables[leaves] = entries
    entries &= ~_A
    if not add_leaves(new, vaddrs, entries):
        raise GuestFault(errno.ENOMEM)
    _count_shared(new, entries.reshape(-1) if present is None else entries[present])


def _count_shared(new: Mm, entries: Words) -> None:
    """The child's entries, none of them empty, refer to their frames."""
    kinds = int(np.bitwise_or.reduce(entries))
    if kinds & PTE_SPECIAL:
        entries = entries[entries & _SPECIAL == 0]
    map_pages(pfns_of(entries))
    nr_file = int(np.count_nonzero(entries & _FILE)) if kinds & PTE_FILE else 0
    new.rss_file += nr_file
    new.rss_anon += len(entries) - nr_file


def _share_few(new: Mm, live: list[tuple[int, int]], at: int, child: int) -> None:
    words = frames.mem64
    refs = page_refcount.v
    maps = page_mapcount.v
    with frame_lock:
        for k, e in live:
            e = e & ~PTE_W | PTE_COW
            words[at + k] = e
            words[child + k] = e & ~PTE_A
            if not e & PTE_SPECIAL:
                pfn = e >> 12 & PFN_MASK
                refs[pfn] += 1
                maps[pfn] += 1


def _count_few(new: Mm, entries: list[int]) -> None:
    for e in entries:
        if e & PTE_FILE:
            new.rss_file += 1
        elif not e & PTE_SPECIAL:
            new.rss_anon += 1


def copy_range(old: Mm, new: Mm, vma: Vma) -> None:
    """Give the child frames of its own with the same contents, now (xv6: uvmcopy).

    File pages that were only read stay shared, read-only, and so does the zero page. Raises GuestFault(ENOMEM).
    """
    pages = frames.np64.reshape(-1, 512)
    for vaddr, at, count in leaf_slices(old.pgd, vma.start, vma.end):
        if this.interrupted:
            poll_ipis()  # a table's 2 MiB take some ms: who waits for this CPU waits for no more than that
        part = frames.np64[at : at + count]
        there = np.flatnonzero(part)
        if not len(there):
            continue
        child = _leaf_for(new, vaddr)
        entries = part[there] & ~_A
        is_own = entries & (_SPECIAL | _FILE) == 0
        own = there[is_own]
        if len(own):
            got = alloc_pages(len(own))
            if not got:
                raise GuestFault(errno.ENOMEM)
            fresh = np.array(got, dtype=np.int64)
            pages[fresh] = pages[pfns_of(entries[is_own])]
            adopt_many(fresh, new.family, own.astype(np.int64) + vma.pgoff + (vaddr - vma.start >> 12))
            bits = entries[is_own] & ~(_PFN << _TWELVE) & ~_COW
            if vma.flags & VM_WRITE:
                bits |= _W
            entries[is_own] = bits | fresh.astype(np.uint64) << _TWELVE
            new.rss_anon += len(own)
        shared = entries[entries & _FILE != 0]
        map_pages(pfns_of(shared))
        new.rss_file += len(shared)
        frames.np64[child : child + count][there] = entries


def adopt_many(pfns: np.ndarray[tuple[int], np.dtype[np.int64]], family: int, vpns: object) -> None:
    """Fresh frames become private memory, mapped once each (adopt_anon() for many)."""
    page_flags.np[pfns] = PG_USED | PG_ANON
    page_mapping.np[pfns] = family
    page_index.np[pfns] = vpns
    page_mapcount.np[pfns] = 1


def write_protect(mm: Mm, start: int, end: int, stale: StaleBatch) -> None:
    """Take the right to write from every entry of a range; `stale` notes it. The next write faults and gets it back."""
    for vaddr, at, count in leaf_slices(mm.pgd, start, end):
        part = frames.np64[at : at + count]
        lost = np.flatnonzero(part & _W)
        if len(lost):
            part[lost] &= ~_W
            stale.add_downgrade(vaddr, count << 12, len(lost))
