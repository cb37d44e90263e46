"""Physical memory: the frames, as one region of the arena, and the views through which it is read.

A physical address is an offset into the region; frame `pfn` is mem[pfn << 12 : (pfn + 1) << 12]. Scalar words
go through `mem64` (35 ns a read), whole tables through `np64` (numpy), atomics through host addresses. Frame 0 is
never handed out (pfn 0 means none); frame 1 is the shared zero page, which nobody ever writes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kos.arena.table import Region
from kos.hw.pte import PFN_MASK
from kos.params import PAGE_SIZE, PTRS_PER_TABLE, Params

ZERO_PFN = 1  #: the frame of zeros that untouched pages read from
FIRST_PFN = 2  #: first frame that an allocator may hand out
ZEROS = bytes(PAGE_SIZE)
POISON = b"\xcc" * PAGE_SIZE  #: what freed frames hold in debug mode; as an entry it is not present
Words = np.ndarray[Any, np.dtype[np.uint64]]
Longs = np.ndarray[Any, np.dtype[np.int64]]
_TWELVE = np.uint64(12)
_PFN = np.uint64(PFN_MASK)


class Frames(Region):
    """The region, with its views made when it is bound."""

    mem: memoryview  #: bytes by physical address
    mem16: memoryview
    mem32: memoryview
    mem64: memoryview  #: words by physical address >> 3
    np64: Words  #: the same words as numpy
    nr: int  #: frames there are, 0 and 1 included

    def bind(self, view: memoryview, params: Params) -> None:
        super().bind(view, params)
        self.mem = view
        self.mem16 = view.cast("H")
        self.mem32 = view.cast("I")
        self.mem64 = view.cast("Q")
        self.np64 = np.frombuffer(view, dtype="<u8")
        self.nr = params.nr_frames


frames = Frames("frames", lambda p: p.memory)


def pfns_of(entries: Words) -> Longs:
    """The frames that page-table entries name."""
    pfns = entries >> _TWELVE
    pfns &= _PFN
    return pfns.view(np.int64)


def table_view(pfn: int) -> Words:
    """uint64[512]: one page table, live in the arena."""
    at = pfn * PTRS_PER_TABLE
    return frames.np64[at : at + PTRS_PER_TABLE]


def clear_frame(pfn: int) -> None:
    """Fill a frame with zeros."""
    at = pfn << 12
    frames.mem[at : at + PAGE_SIZE] = ZEROS


def poison_frame(pfn: int) -> None:
    """Fill a freed frame with junk, so that a stale reference shows at once."""
    at = pfn << 12
    frames.mem[at : at + PAGE_SIZE] = POISON


def copy_frame(to: int, source: int) -> None:
    """Copy one frame's bytes onto another."""
    mem = frames.mem
    a = to << 12
    b = source << 12
    mem[a : a + PAGE_SIZE] = mem[b : b + PAGE_SIZE]


def read_frame(pfn: int) -> bytes:
    """A frame's contents."""
    at = pfn << 12
    return bytes(frames.mem[at : at + PAGE_SIZE])
