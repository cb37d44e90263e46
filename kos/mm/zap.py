"""Clearing stretches of page tables, in numpy sweeps where they are long."""

from __future__ import annotations

import numpy as np

from kos.hw.phys import Longs, Words, frames
from kos.hw.pte import PTE_FILE, PTE_SPECIAL
from kos.mm.pgtable import LEAF_SPAN, leaf_slices, leaves_of
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import Mm
from kos.params import PTRS_PER_TABLE

_SPECIAL = np.uint64(PTE_SPECIAL)
_FILE = np.uint64(PTE_FILE)
FEW = 4  #: stretches of so few entries are done one by one: a numpy call costs 1 us
MANY = 8  #: whole tables that are worth a sweep of their own


def zap_range(mm: Mm, start: int, end: int, stale: StaleBatch) -> None:
    """Clear every entry of start..end-1 into `stale`, and take them off the resident counts; mm lock held."""
    low, high = -(-start // LEAF_SPAN) * LEAF_SPAN, end // LEAF_SPAN * LEAF_SPAN
    if high - low < MANY * LEAF_SPAN:
        for vaddr, at, count in leaf_slices(mm.pgd, start, end):
            _zap_part(mm, vaddr, at, count, stale)
        return
    zap_range(mm, start, low, stale)
    for vaddrs, leaves in leaves_of(mm.pgd, low, high):
        if len(leaves) >= MANY:
            _zap_whole(mm, vaddrs, leaves, stale)
            continue
        for vaddr, leaf in zip(vaddrs.tolist(), leaves.tolist(), strict=True):
            _zap_part(mm, vaddr, leaf << 9, PTRS_PER_TABLE, stale)
    zap_range(mm, high, end, stale)


def _zap_part(mm: Mm, vaddr: int, at: int, count: int, stale: StaleBatch) -> None:
    """zap_range() of part of a leaf table."""
    if count <= FEW:
        words = frames.mem64
        for k in range(count):
            e = words[at + k]
            if e:
                words[at + k] = 0
                stale.add(vaddr + (k << 12), e)
                if e & PTE_FILE:
                    mm.rss_file -= 1
                elif not e & PTE_SPECIAL:
                    mm.rss_anon -= 1
        return
    part = frames.np64[at : at + count]
    old = part[np.flatnonzero(part)]
    if len(old):
        part[:] = 0
        _cleared(mm, vaddr, count << 12, old, stale)


def _zap_whole(mm: Mm, vaddrs: Longs, leaves: Longs, stale: StaleBatch) -> None:
    """zap_range() of whole leaf tables, many in one sweep."""
    tables = frames.np64.reshape(-1, PTRS_PER_TABLE)
    old = tables[leaves].reshape(-1)
    if not old.all():
        old = old[old != 0]
    if len(old):
        tables[leaves] = 0
        first, last = int(vaddrs[0]), int(vaddrs[-1])
        _cleared(mm, first, last + LEAF_SPAN - first, old, stale)


def _cleared(mm: Mm, vaddr: int, length: int, old: Words, stale: StaleBatch) -> None:
    """Note the entries of a stretch that is empty now; old: those that were not 0."""
    kinds = int(np.bitwise_or.reduce(old))
    nr_file = int(np.count_nonzero(old & _FILE)) if kinds & PTE_FILE else 0
    nr_special = int(np.count_nonzero(old & _SPECIAL)) if kinds & PTE_SPECIAL else 0
    mm.rss_file -= nr_file
    mm.rss_anon -= len(old) - nr_file - nr_special
    stale.add_many(vaddr, length, old)
