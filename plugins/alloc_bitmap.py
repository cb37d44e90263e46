"""One bit a frame, 1 = handed out; the next fit from where this CPU found one last.

Tanenbaum, Modern Operating Systems, 3.2.3, "Memory Management with Bitmaps"; MINIX 3's VM keeps one. The bitmap is
state that all CPUs share, so it is declared, lies in the arena and is as long as the machine has frames. Where a CPU
looks first is its own affair: an ordinary attribute, of which every CPU has its own after boot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from kos.api import Array, PageAllocator, Params, SharedState, array, hookimpl, shared, u64

CHUNK = 4096  #: words of the bitmap that are looked at in one numpy sweep
ALL = np.uint64(2**64 - 1)


@shared(lock="zone")
class Bitmap(SharedState):
    """The zone lock is held in every method of an allocator, so it guards this."""

    first: u64  #: lowest frame of ours
    end: u64  #: one above the last
    high: u64  #: frames from here on were never handed out
    nr_free: u64
    bits: Array = array("Q", lambda params: params.nr_frames // 64 + 1)  #: 64 frames a word, lowest bit first


state = Bitmap()


class BitmapAllocator:
    """PageAllocator."""

    name = "bitmap"

    def __init__(self) -> None:
        self.hint = 0  #: the word in which this CPU found a free frame last

    def boot(self, first: int, end: int) -> None:
        s = state
        s.first = s.high = first
        s.end = end
        s.nr_free = end - first
        for pfn in (*range(first), *range(end, len(s.bits) * 64)):
            s.bits[pfn >> 6] |= 1 << (pfn & 63)  # not ours: never free

    def alloc(self, order: int) -> int:
        if not order:
            return (self.alloc_bulk(1) or [0])[0]
        size = 1 << order
        for base in range(-(-state.first // size) * size, state.end - size + 1, size):
            if self._is_free(base, size):
                self._take(range(base, base + size))
                return base
        return 0

    def alloc_bulk(self, count: int) -> list[int]:
        words = state.np("bits")
        got: list[int] = []
        at = self.hint if self.hint < len(words) else 0
        for start in (*range(at, len(words), CHUNK), *range(0, at, CHUNK)):
            for k in (np.flatnonzero(words[start : start + CHUNK] != ALL) + start).tolist():
                free = ~int(words[k]) & (2**64 - 1)
                while free and len(got) < count:
                    bit = free & -free
                    got.append((k << 6) + bit.bit_length() - 1)
                    free ^= bit
                if len(got) == count:
                    self.hint = k
                    break
            if len(got) == count:
                break
        got = list(dict.fromkeys(got))  # the two halves of the search may overlap by a chunk
        self._take(got)
        return got

    def free(self, pfn: int, order: int) -> None:
        self.free_bulk(range(pfn, pfn + (1 << order)))

    def free_bulk(self, pfns: Sequence[int]) -> None:
        bits = state.bits
        for pfn in pfns:
            bits[pfn >> 6] &= ~(1 << (pfn & 63)) & (2**64 - 1)
        state.nr_free += len(pfns)

    def nr_free(self) -> int:
        return int(state.nr_free)

    def free_frames(self) -> Iterator[int]:
        for pfn in range(state.first, state.high):
            if not state.bits[pfn >> 6] >> (pfn & 63) & 1:
                yield pfn

    def _is_free(self, base: int, size: int) -> bool:
        bits = state.bits
        return not any(bits[pfn >> 6] >> (pfn & 63) & 1 for pfn in range(base, base + size))

    def _take(self, pfns: Iterable[int]) -> None:
        bits = state.bits
        n = 0
        for pfn in pfns:
            bits[pfn >> 6] |= 1 << (pfn & 63)
            if pfn >= state.high:
                state.high = pfn + 1
            n += 1
        state.nr_free -= n


@hookimpl
def kos_shared_state() -> SharedState:
    return state


@hookimpl
def kos_page_allocator(params: Params) -> PageAllocator:
    return BitmapAllocator()
