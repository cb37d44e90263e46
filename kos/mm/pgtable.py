"""Four-level page tables in frames: make, sweep, free. The mm lock is held. Walking one address: kos/hw/mmu.py.

Tables are indexed by words of physical memory: entry i of the table in frame p is mem64[p * 512 + i].
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kos.hw.mmu import find_pte
from kos.hw.phys import Longs, Words, frames, pfns_of, table_view
from kos.hw.pte import PFN_MASK, PTE_P, TABLE_BITS
from kos.mm.page_alloc import alloc_page, alloc_pages, free_pages
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import PG_TABLE, PG_USED, Mm, page_flags, page_refcount
from kos.params import PTRS_PER_TABLE

LEAF_SPAN = 1 << 21  #: bytes that one leaf table maps
AT_ONCE = 64  #: leaf tables that are worth one sweep: 256 KiB of entries, which caches still hold
_SPANS = (1 << 39, 1 << 30, 1 << 21)  # bytes that one entry of level 4, 3, 2 maps


def alloc_table() -> int:
    """An empty table, or 0: out of memory."""
    pfn = alloc_page()
    if pfn:
        page_flags.v[pfn] = PG_USED | PG_TABLE
    return pfn


def make_leaf(mm: Mm, vaddr: int) -> int:
    """Frame of the leaf table for an address, made where missing; 0: out of memory."""
    return make_table(mm, vaddr, (39, 30, 21))


def make_table(mm: Mm, vaddr: int, shifts: tuple[int, ...]) -> int:
    """Frame of the table for an address below the levels whose shifts are named, made where missing; 0: out of memory.

    Upper tables made on the way stay: they are empty and go with the address space.
    """
    words = frames.mem64
    table = mm.pgd
    for shift in shifts:
        at = (table << 9) + (vaddr >> shift & 511)
        e = words[at]
        if e & PTE_P:
            table = e >> 12 & PFN_MASK
            continue
        lower = alloc_table()
        if not lower:
            return 0
        mm.nr_tables += 1
        words[at] = lower << 12 | TABLE_BITS
        table = lower
    return table


def make_pte(mm: Mm, vaddr: int) -> int:
    """Word index of the entry for an address, its tables made where missing; 0: out of memory."""
    at = find_pte(mm.pgd, vaddr)
    if not at:
        leaf = make_leaf(mm, vaddr)
        at = (leaf << 9) + (vaddr >> 12 & 511) if leaf else 0
    return at


def for_each_leaf(pgd: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(address of its first byte, frame) of every leaf table that maps part of start..end-1."""
    yield from _descend(pgd, 0, 0, start, end, 2)


def _descend(table: int, level: int, base: int, start: int, end: int, last: int) -> Iterator[tuple[int, int]]:
    """The tables that the entries of level `last` point to: 1 for the directories of leaves, 2 for the leaves."""
    span = _SPANS[level]
    low = max(0, (start - base) // span)
    high = min(512, -(-(end - base) // span))
    if high - low == 1:
        e = frames.mem64[(table << 9) + low]
        found = [(low, e)] if e & PTE_P else []
    else:
        part = table_view(table)[low:high]
        at = np.flatnonzero(part)
        found = list(zip((at + low).tolist(), part[at].tolist(), strict=True))
    for k, e in found:
        lower = e >> 12 & PFN_MASK
        if level == last:
            yield base + k * span, lower
        else:
            yield from _descend(lower, level + 1, base + k * span, start, end, last)


def leaf_slices(pgd: int, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(address, first word index, entries) of each part of a leaf table that lies in start..end-1."""
    for base, leaf in for_each_leaf(pgd, start, end):
        low = max(start, base)
        high = min(end, base + LEAF_SPAN)
        yield low, (leaf << 9) + (low - base >> 12), high - low >> 12


def leaves_of(pgd: int, start: int, end: int) -> Iterator[tuple[Longs, Longs]]:
    """(addresses, frames) of the leaf tables in start..end-1, multiples of LEAF_SPAN; AT_ONCE of them at a time."""
    for base, directory in _descend(pgd, 0, 0, start, end, 1):
        low, high = max(start, base), min(end, base + _SPANS[1])
        first = low >> 21 & 511
        part = table_view(directory)[first : first + (high - low >> 21)]
        used = np.flatnonzero(part)
        vaddrs, leaves = used * LEAF_SPAN + low, pfns_of(part[used])
        for k in range(0, len(used), AT_ONCE):
            yield vaddrs[k : k + AT_ONCE], leaves[k : k + AT_ONCE]


def add_leaves(mm: Mm, vaddrs: Longs, entries: Words) -> bool:
    """Leaf tables with these contents, a row each, where there are none yet; False: out of memory, and none was added.

    vaddrs: multiples of LEAF_SPAN under one directory (pmd).
    """
    directory = make_table(mm, int(vaddrs[0]), (39, 30))
    made = alloc_pages(len(vaddrs)) if directory else []
    if not made:
        return False
    pfns = np.array(made, dtype=np.int64)
    page_flags.np[pfns] = PG_USED | PG_TABLE
    frames.np64.reshape(-1, PTRS_PER_TABLE)[pfns] = entries
    table_view(directory)[vaddrs >> 21 & 511] = pfns.view(np.uint64) << np.uint64(12) | np.uint64(TABLE_BITS)
    mm.nr_tables += len(made)
    return True


def all_tables(pgd: int) -> list[int]:
    """Every frame that holds a table of this tree, the top one first."""
    found = [pgd]
    level = [pgd]
    for _ in range(3):
        lower: list[int] = []
        for table in level:
            view = table_view(table)
            lower += pfns_of(view[np.flatnonzero(view)]).tolist()
        found += lower
        level = lower
    return found


def free_tables(mm: Mm) -> None:
    """Free the whole tree; no entry maps anything any more and no CPU walks it."""
    tables = all_tables(mm.pgd)
    mm.pgd = 0
    mm.nr_tables = 0
    for pfn in tables:
        page_refcount.v[pfn] = 0
    free_pages(tables)


def unhook_leaves(mm: Mm, floor: int, ceiling: int, start: int, end: int, stale: StaleBatch) -> None:
    """Give up the leaf tables for start..end-1 that map nothing else; floor and ceiling: the neighbours' edges.

    The tables go with the stale entries: a CPU may be walking them until it has acknowledged. (Upper tables stay
    until the end of the address space.) Linux: free_pgtables().
    """
    low = (start & ~(LEAF_SPAN - 1)) if start & ~(LEAF_SPAN - 1) >= floor else start + LEAF_SPAN - 1 & ~(LEAF_SPAN - 1)
    high = end + LEAF_SPAN - 1 & ~(LEAF_SPAN - 1)
    if high > ceiling:
        high = end & ~(LEAF_SPAN - 1)
    if low >= high:
        return
    words = frames.mem64
    for base, leaf in list(for_each_leaf(mm.pgd, low, high)):
        words[find_directory(mm.pgd, base)] = 0
        mm.nr_tables -= 1
        stale.add_table(leaf)


def find_directory(pgd: int, vaddr: int) -> int:
    """Word index of the level-2 entry that points to the leaf table for an address; the tables are there."""
    words = frames.mem64
    e = words[(pgd << 9) + (vaddr >> 39 & 511)]
    e = words[((e >> 12 & PFN_MASK) << 9) + (vaddr >> 30 & 511)]
    return ((e >> 12 & PFN_MASK) << 9) + (vaddr >> 21 & 511)
