"""One walk over everything, shared by all rules: who refers to which frame.

The machine is quiet (no CPU runs a task), or this is the only CPU. All counting is done in numpy, so that the
audit of a machine of gigabytes takes as long as its page tables, not its memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kos.hw.phys import FIRST_PFN, ZERO_PFN, frames, table_view
from kos.hw.pte import PFN_MASK, PTE_FILE, PTE_SPECIAL, PTE_W
from kos.mm.pagecache import nodes_of, pages_of
from kos.mm.pgtable import all_tables, for_each_leaf
from kos.mm.policy import active
from kos.mm.structs import PCP_SIZE, Mapping, Mm, mappings, mms, page_flags, pcp_count, pcp_frames
from kos.params import MAX_CPUS

Counts = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class Space:
    """What the tables of one address space hold. pfns and vpns: int64, the counted (not special) entries."""

    mm: Mm
    tables: list[int]
    vpns: Counts
    pfns: Counts
    entries: np.ndarray[Any, np.dtype[np.uint64]]
    nr_special: int
    bad_special: int  #: entries marked special that are not the zero page, or writable

    @property
    def nr_file(self) -> int:
        return int(np.count_nonzero(self.entries & np.uint64(PTE_FILE)))


@dataclass
class Walk:
    """The whole machine. counts[pfn]: references found; maps[pfn]: entries that map it."""

    spaces: list[Space] = field(default_factory=list)
    caches: list[tuple[Mapping, list[tuple[int, int]], list[int]]] = field(default_factory=list)
    counts: Counts = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    maps: Counts = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    free: list[int] = field(default_factory=list)
    high: int = 0  #: no frame at or above was ever handed out


def walk_space(mm: Mm) -> Space:
    """Every entry of one address space."""
    vpns: list[Counts] = []
    entries = []
    for base, leaf in for_each_leaf(mm.pgd, 0, 1 << 47):
        view = table_view(leaf)
        at = np.flatnonzero(view)
        vpns.append(at + (base >> 12))
        entries.append(view[at])
    all_entries = np.concatenate(entries) if entries else np.zeros(0, dtype=np.uint64)
    all_vpns = np.concatenate(vpns) if vpns else np.zeros(0, dtype=np.int64)
    is_special = all_entries & np.uint64(PTE_SPECIAL) != 0
    pfns = (all_entries >> np.uint64(12) & np.uint64(PFN_MASK)).astype(np.int64)
    special = all_entries[is_special]
    bad = int(np.count_nonzero((pfns[is_special] != ZERO_PFN) | (special & np.uint64(PTE_W) != 0)))
    return Space(
        mm,
        all_tables(mm.pgd),
        all_vpns[~is_special],
        pfns[~is_special],
        all_entries[~is_special],
        len(special),
        bad,
    )


def walk_all() -> Walk:
    """Every address space, page cache and free list."""
    w = Walk()
    w.counts = np.zeros(frames.nr, dtype=np.int64)
    w.maps = np.zeros(frames.nr, dtype=np.int64)
    for mm in mms.used():
        if not mm.pgd:
            continue
        space = walk_space(mm)
        w.spaces.append(space)
        inside = space.pfns[space.pfns < frames.nr]
        np.add.at(w.maps, inside, 1)
        np.add.at(w.counts, inside, 1)
        np.add.at(w.counts, np.array(space.tables, dtype=np.int64), 1)
    for m in mappings.used():
        pages = pages_of(m)
        nodes = nodes_of(m)
        w.caches.append((m, pages, nodes))
        np.add.at(w.counts, np.array([pfn for _, pfn in pages] + nodes, dtype=np.int64), 1)
    w.counts[ZERO_PFN] += 1
    w.free = list(active.alloc.free_frames())
    for cpu in range(MAX_CPUS + 1):
        n = pcp_count.v[cpu]
        w.free += pcp_frames.v[cpu * PCP_SIZE : cpu * PCP_SIZE + n].tolist()
    used = np.flatnonzero(page_flags.np)
    w.high = int(used[-1]) + 1 if len(used) else FIRST_PFN
    return w
