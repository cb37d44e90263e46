"""One list of free frames, last in, first out: xv6's kalloc.c (kfree and kalloc), with a high-water mark.

Frames above the mark were never handed out, so booting 64 GiB writes nothing. The list runs through the frame
descriptors' `page_next` column, and a whole batch is linked in by one numpy store. Blocks larger than a frame come
from above the mark only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kos.api import Alone, PageAllocator, Struct, hookimpl, layout, page_next, u64


@layout(size=32)
class FreeList(Struct):
    """zone_lock held."""

    head: u64  #: first free frame; 0 = the list is empty
    count: u64  #: frames on the list
    high: u64  #: lowest frame never handed out
    end: u64  #: one above the last frame


state: Alone[FreeList] = Alone(FreeList, "alloc_freelist")


class FreeListAllocator:
    """PageAllocator."""

    name = "freelist"

    def boot(self, first: int, end: int) -> None:
        s = state.s
        s.head = s.count = 0
        s.high = first
        s.end = end

    def alloc(self, order: int) -> int:
        s = state.s
        if not order:
            got = self.alloc_bulk(1)
            return got[0] if got else 0
        size = 1 << order
        first = -(-s.high // size) * size
        if first + size > s.end:
            return 0
        self.free_bulk(range(s.high, first))  # skipped for the sake of alignment
        s.high = first + size
        return first

    def free(self, pfn: int, order: int) -> None:
        self.free_bulk(range(pfn, pfn + (1 << order)))

    def alloc_bulk(self, count: int) -> list[int]:
        s = state.s
        nexts = page_next.v
        got: list[int] = []
        pfn = s.head
        while pfn and len(got) < count:
            got.append(pfn)
            pfn = nexts[pfn]
        s.head = pfn
        s.count -= len(got)
        fresh = min(count - len(got), s.end - s.high)
        if fresh > 0:
            high = s.high
            got += range(high, high + fresh)
            s.high = high + fresh
        return got

    def free_bulk(self, pfns: Sequence[int]) -> None:
        if not len(pfns):
            return
        s = state.s
        at = np.asarray(pfns, dtype=np.int64)
        page_next.np[at[:-1]] = at[1:]
        page_next.v[int(at[-1])] = s.head
        s.head = int(at[0])
        s.count += len(at)

    def nr_free(self) -> int:
        s = state.s
        return s.count + s.end - s.high

    def free_frames(self) -> Iterator[int]:
        pfn = state.s.head
        while pfn:
            yield pfn
            pfn = page_next.v[pfn]


@hookimpl
def kos_page_allocator() -> PageAllocator:
    return FreeListAllocator()
