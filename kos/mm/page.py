"""References to frames: get, put, map, unmap, one at a time or a whole table at once.

Every count is changed under frame_lock. Linux uses an atomic per frame; here one lock serves all, because fork
and exit count 512 entries in one numpy sweep (3 ns an entry), which no atomic could be mixed with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kos.errors import KernelBug
from kos.hw.phys import Longs
from kos.mm.page_alloc import free_page, free_pages
from kos.mm.structs import (
    PG_ANON,
    PG_USED,
    frame_lock,
    page_flags,
    page_index,
    page_mapcount,
    page_mapping,
    page_refcount,
)
from kos.params import PTRS_PER_TABLE


def get_page(pfn: int) -> None:
    """One more reference."""
    with frame_lock:
        page_refcount.v[pfn] += 1


def put_page(pfn: int) -> None:
    """One reference less; the last one frees the frame. No TLB may know it any more."""
    with frame_lock:
        n = page_refcount.v[pfn]
        if not n:
            raise KernelBug(f"frame {pfn}: reference dropped that nobody held")
        page_refcount.v[pfn] = n - 1
    if n == 1:
        free_page(pfn)


def map_page(pfn: int) -> None:
    """One more page-table entry: a reference and a mapping."""
    with frame_lock:
        page_refcount.v[pfn] += 1
        page_mapcount.v[pfn] += 1


def unmap_page(pfn: int) -> None:
    """An entry is gone, and every TLB has forgotten it."""
    refs, maps = page_refcount.v, page_mapcount.v
    frame_lock.acquire()
    try:
        n = refs[pfn]
        m = maps[pfn]
        if not n or not m:
            raise KernelBug(f"frame {pfn} unmapped with {n} references, mapped {m} times")
        refs[pfn] = n - 1
        maps[pfn] = m - 1
    finally:
        frame_lock.release()
    if n == 1:
        free_page(pfn)


def adopt_anon(pfn: int, family: int, vpn: int) -> None:
    """A fresh frame becomes private memory, mapped once by the entry that is about to be set."""
    page_flags.v[pfn] = PG_USED | PG_ANON
    page_mapping.v[pfn] = family
    page_index.v[pfn] = vpn
    page_mapcount.v[pfn] = 1


Heap = tuple[Longs, "np.ndarray[Any, np.dtype[np.uint32]] | None", int]  #: frames; how often each from the lowest on


def _heaps(pfns: Longs, cuts: int = 3) -> Iterator[Heap]:
    """The frames in heaps that lie together. None for the counts: too far apart after so many cuts through the middle.

    Frames of one process mostly lie together, in one place or in two, and then counting is an addition of two arrays:
    5 ns a frame, where np.add.at takes 30 and a cut 4.
    """
    if not len(pfns):
        return
    low, high = int(pfns.min()), int(pfns.max())
    if high - low <= 4 * len(pfns):
        yield pfns, np.bincount(pfns - low).astype(np.uint32), low
    elif not cuts or len(pfns) < PTRS_PER_TABLE:
        yield pfns, None, low
    else:
        is_above = pfns > (low + high) // 2
        yield from _heaps(pfns[~is_above], cuts - 1)
        yield from _heaps(pfns[is_above], cuts - 1)


def map_pages(pfns: Longs) -> None:
    """A reference and a mapping more for each; a frame may occur several times."""
    for heap, counts, low in _heaps(pfns):
        with frame_lock:
            if counts is None:
                np.add.at(page_refcount.np, heap, 1)
                np.add.at(page_mapcount.np, heap, 1)
            else:
                page_refcount.np[low : low + len(counts)] += counts
                page_mapcount.np[low : low + len(counts)] += counts


def unmap_pages(pfns: Longs) -> None:
    """A reference and a mapping less for each; frames without references left are freed."""
    gone: list[int] = []
    for heap, counts, low in _heaps(pfns):
        with frame_lock:
            if counts is None:
                if not page_refcount.np[heap].all() or not page_mapcount.np[heap].all():
                    raise KernelBug("frames unmapped that are not mapped")
                np.subtract.at(page_refcount.np, heap, 1)
                np.subtract.at(page_mapcount.np, heap, 1)
                gone += sorted(
                    set(heap[page_refcount.np[heap] == 0].tolist())
                )  # np.unique would import numpy.ma: 20 ms
            else:
                refs = page_refcount.np[low : low + len(counts)]
                maps = page_mapcount.np[low : low + len(counts)]
                if (refs < counts).any() or (maps < counts).any():
                    raise KernelBug("frames unmapped that are not mapped")
                refs -= counts
                maps -= counts
                gone += (np.flatnonzero((counts != 0) & (refs == 0)) + low).tolist()
    if gone:
        free_pages(gone)


def is_last_reference(pfn: int) -> bool:
    """Does one entry, and nothing else, refer to the frame? The caller's mm lock keeps it so.

    No lock: the count is one word, which everybody changes in one store. Once it is 1, the reference is the caller's
    own, and new ones are made with its mm lock held. A 2 that is just becoming 1 costs a copy.
    """
    return page_refcount.v[pfn] == 1
