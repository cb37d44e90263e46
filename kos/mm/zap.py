"""Clearing stretches of page tables, in numpy sweeps where they are long."""

from __future__ import annotations

import numpy as np

from kos.hw.phys import frames
from kos.hw.pte import PTE_FILE, PTE_SPECIAL
from kos.mm.pgtable import leaf_slices
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import Mm

_SPECIAL = np.uint64(PTE_SPECIAL)
_FILE = np.uint64(PTE_FILE)
FEW = 4  #: stretches of so few entries are done one by one: a numpy call costs 1 us


def zap_range(mm: Mm, start: int, end: int, stale: StaleBatch) -> None:
    """Clear every entry of start..end-1 into `stale`, and take them off the resident counts; mm lock held."""
    words = frames.mem64
    for vaddr, at, count in leaf_slices(mm.pgd, start, end):
        if count <= FEW:
            for k in range(count):
                e = words[at + k]
                if e:
                    words[at + k] = 0
                    stale.add(vaddr + (k << 12), e)
                    if e & PTE_FILE:
                        mm.rss_file -= 1
                    elif not e & PTE_SPECIAL:
                        mm.rss_anon -= 1
            continue
        part = frames.np64[at : at + count]
        old = part[np.flatnonzero(part)]
        if len(old):
            part[:] = 0
            nr_file = int(np.count_nonzero(old & _FILE))
            nr_special = int(np.count_nonzero(old & _SPECIAL))
            mm.rss_file -= nr_file
            mm.rss_anon -= len(old) - nr_file - nr_special
            stale.add_many(vaddr, count << 12, old)
