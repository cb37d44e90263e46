"""The binary buddy allocator: Knowlton, A Fast Storage Allocator, CACM 1965; Linux 6.0 mm/page_alloc.c.

Free blocks of 1 << order frames, orders 0 to 10, on one doubly linked list an order. Allocation splits the smallest
block that is large enough and gives the upper halves back; freeing merges a block with its buddy, the block whose
number differs in one bit, for as long as that one is free and of the same order. Frames above the high-water mark
were never handed out: the largest aligned block is carved from there when the lists have none, so booting 64 GiB
writes nothing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from kos.api import Alone, Column, PageAllocator, Struct, hookimpl, layout, page_next, u64

MAX_ORDER = 10


@layout(size=112)
class Buddy(Struct):
    """zone_lock held."""

    heads: Annotated[Any, ctypes.c_uint64 * (MAX_ORDER + 1)]  #: first free block of each order; 0 = none
    high: u64  #: lowest frame never handed out
    end: u64  #: one above the last frame
    count: u64  #: frames on the lists


state: Alone[Buddy] = Alone(Buddy, "alloc_buddy")
# zone_lock held:
block_prev = Column("buddy_prev", "I", lambda p: p.nr_frames)  #: previous free block of the order; 0 = first
block_order = Column("buddy_order", "B", lambda p: p.nr_frames)  #: order + 1 at the first frame of a free block


class BuddyAllocator:
    """PageAllocator."""

    name = "buddy"

    def boot(self, first: int, end: int) -> None:
        s = state.s
        s.clear()
        s.high = first
        s.end = end

    def alloc(self, order: int) -> int:
        heads = state.s.heads
        found = order
        while True:
            while found <= MAX_ORDER and not heads[found]:
                found += 1
            if found <= MAX_ORDER:
                break
            if not self._carve():
                return 0
            found = order
        pfn = int(heads[found])
        self._unlink(pfn, found)
        while found > order:
            found -= 1
            self._link(pfn + (1 << found), found)
        return pfn

    def free(self, pfn: int, order: int) -> None:
        s = state.s
        while order < MAX_ORDER:
            other = pfn ^ 1 << order
            if other >= s.high or block_order.v[other] != order + 1:
                break
            self._unlink(other, order)
            pfn &= ~(1 << order)
            order += 1
        self._link(pfn, order)

    def alloc_bulk(self, count: int) -> list[int]:
        got: list[int] = []
        order = MAX_ORDER
        while len(got) < count:
            order = min(order, (count - len(got)).bit_length() - 1)
            pfn = self.alloc(order)
            if pfn:
                got += range(pfn, pfn + (1 << order))
            elif order:
                order -= 1  # no block so large is left, or none in one piece
            else:
                break
        return got

    def free_bulk(self, pfns: Sequence[int]) -> None:
        for pfn in pfns:
            self.free(int(pfn), 0)

    def nr_free(self) -> int:
        s = state.s
        return s.count + s.end - s.high

    def free_frames(self) -> Iterator[int]:
        for order in range(MAX_ORDER + 1):
            pfn = int(state.s.heads[order])
            while pfn:
                yield from range(pfn, pfn + (1 << order))
                pfn = page_next.v[pfn]

    def _carve(self) -> bool:
        """Put the largest aligned block at the high-water mark on its list; False: memory ends there."""
        s = state.s
        high = s.high
        order = MAX_ORDER
        while high & (1 << order) - 1 or high + (1 << order) > s.end:
            if not order:
                return False
            order -= 1
        s.high = high + (1 << order)
        self._link(high, order)
        return True

    def _link(self, pfn: int, order: int) -> None:
        s = state.s
        head = int(s.heads[order])
        page_next.v[pfn] = head
        block_prev.v[pfn] = 0
        if head:
            block_prev.v[head] = pfn
        s.heads[order] = pfn
        block_order.v[pfn] = order + 1
        s.count += 1 << order

    def _unlink(self, pfn: int, order: int) -> None:
        s = state.s
        after, before = page_next.v[pfn], block_prev.v[pfn]
        if before:
            page_next.v[before] = after
        else:
            s.heads[order] = after
        if after:
            block_prev.v[after] = before
        block_order.v[pfn] = 0
        s.count -= 1 << order


@hookimpl
def kos_page_allocator() -> PageAllocator:
    return BuddyAllocator()
