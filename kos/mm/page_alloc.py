"""The allocator's front: per-CPU lists, double-free checks, poison, accounting, failures on demand.

alloc_page() takes a frame off this CPU's own list without a lock; the list is refilled and drained up to 64 frames at a
time from the PageAllocator policy under the zone lock (Linux: pcp->batch, 63). 64 are a block of a buddy allocator, so
pages touched in a row mostly lie side by side and are copied in one piece: two pieces a MiB, with 63 seventeen. Frames
come zeroed where asked for. A frame is freed when its last reference goes (kos/mm/page.py), and callers see to it that
every TLB has forgotten it first (kos/mm/shootdown.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kos.errors import KernelBug, PluginError
from kos.hw.cpu import this
from kos.hw.phys import FIRST_PFN, ZERO_PFN, clear_frame, frames, poison_frame
from kos.mm.policy import active, setting
from kos.mm.structs import (
    PCP_SIZE,
    PG_FREE,
    PG_RESERVED,
    PG_USED,
    page_flags,
    page_mapcount,
    page_refcount,
    pcp_count,
    pcp_frames,
    zone,
    zone_lock,
)
from kos.params import Params
from kos.trace.events import ALLOC_FAIL

MAX_BATCH = 64  #: frames moved between a CPU's list and the allocator at once


class _Local:
    """This process's copies of what does not change after boot, and its allocation count."""

    fail_every = 0
    poison = False
    count = 0
    batch = MAX_BATCH
    high = PCP_SIZE  #: frames that a CPU's list may hold: all lists together at most an eighth of memory


_local = _Local()


def boot_zone(params: Params) -> None:
    """Give all frames to the allocator, except 0 (none) and 1 (the zero page). In the parent, before the fork."""
    z = zone.s
    z.end = params.nr_frames
    z.fail_every = _local.fail_every = int(str(params.options.get("fail_alloc", 0)))
    z.poison = _local.poison = setting(params, "poison", "0").lower() not in ("0", "off", "no", "false")
    _local.count = 0
    _local.high = max(4, min(PCP_SIZE, params.nr_frames // 8 // params.cpus))
    _local.batch = max(1, min(MAX_BATCH, _local.high // 3))
    page_flags.v[ZERO_PFN] = PG_RESERVED
    page_refcount.v[ZERO_PFN] = 1
    active.alloc.boot(FIRST_PFN, params.nr_frames)


def should_fail(count: int) -> bool:
    """Failure injection: is one of the next `count` allocations of this CPU the Nth?"""
    every = _local.fail_every
    if not every:
        return False
    before = _local.count
    _local.count = before + count
    return before // every != (before + count) // every


def _failed(count: int) -> None:
    if ALLOC_FAIL.on:
        ALLOC_FAIL(pages=count, free_frames=nr_free())


def alloc_page(zeroed: bool = True) -> int:
    """A frame with one reference, or 0: out of memory."""
    cpu = this.id
    n = pcp_count.v[cpu]
    if _local.fail_every and should_fail(1):
        _failed(1)
        return 0
    if not n:
        n = _refill(cpu, _local.batch)
        if not n:
            _failed(1)
            return 0
    n -= 1
    pfn = pcp_frames.v[cpu * PCP_SIZE + n]
    pcp_count.v[cpu] = n
    flags = page_flags.v[pfn]
    if flags & PG_USED or not flags & PG_FREE:
        raise KernelBug(f"frame {pfn} handed out twice (flags {flags:#x})")
    page_flags.v[pfn] = PG_USED
    page_refcount.v[pfn] = 1
    page_mapcount.v[pfn] = 0
    if zeroed:
        clear_frame(pfn)
    this.block.nr_frames_allocated += 1
    return pfn


def alloc_pages(count: int) -> list[int]:
    """Exactly `count` frames with one reference each, not zeroed, or an empty list: out of memory."""
    if should_fail(count):
        _failed(count)
        return []
    with zone_lock:
        got = active.alloc.alloc_bulk(count)
        zone.s.nr_used += len(got)
        _check_given(got)
        if len(got) < count:
            active.alloc.free_bulk(got)
            zone.s.nr_used -= len(got)
            got = []
    if not got:
        _failed(count)
        return []
    at = np.array(got, dtype=np.int64)
    if (page_flags.np[at] & PG_USED).any():
        raise KernelBug("a frame handed out twice")
    page_flags.np[at] = PG_USED
    page_refcount.np[at] = 1
    page_mapcount.np[at] = 0
    this.block.nr_frames_allocated += count
    return got


def free_page(pfn: int) -> None:
    """Give back a frame whose last reference is gone."""
    _check_freed(pfn)
    if _local.poison:
        poison_frame(pfn)
    page_flags.v[pfn] = PG_FREE
    cpu = this.id
    n = pcp_count.v[cpu]
    if n >= _local.high:
        n = _drain(cpu, _local.batch)
    pcp_frames.v[cpu * PCP_SIZE + n] = pfn
    pcp_count.v[cpu] = n + 1
    this.block.nr_frames_freed += 1


def free_pages(pfns: Sequence[int]) -> None:
    """Give back many frames whose last references are gone; no frame twice."""
    if len(pfns) <= 8:
        for pfn in pfns:
            free_page(int(pfn))
        return
    at = np.asarray(pfns, dtype=np.int64)
    flags = page_flags.np[at]
    if (flags & PG_USED == 0).any() or page_refcount.np[at].any() or page_mapcount.np[at].any():
        for pfn in at.tolist():
            _check_freed(pfn)
    if _local.poison:
        for pfn in at.tolist():
            poison_frame(pfn)
    page_flags.np[at] = PG_FREE
    with zone_lock:
        active.alloc.free_bulk(at.tolist())
        zone.s.nr_used -= len(at)
    this.block.nr_frames_freed += len(at)


def _check_freed(pfn: int) -> None:
    flags = page_flags.v[pfn] if pfn < frames.nr else 0
    if not flags & PG_USED:
        raise KernelBug(f"frame {pfn} freed, but it is not in use (flags {flags:#x})")
    if page_refcount.v[pfn] or page_mapcount.v[pfn]:
        raise KernelBug(
            f"frame {pfn} freed with {page_refcount.v[pfn]} references, mapped {page_mapcount.v[pfn]} times"
        )


def _check_given(got: list[int]) -> None:
    """The allocator policy gave frames that it may give."""
    for pfn in got:
        if not FIRST_PFN <= pfn < frames.nr:
            raise PluginError(active.alloc.name, "alloc_bulk", f"gave frame {pfn}, there are {frames.nr}")
        if page_flags.v[pfn] & PG_USED:
            raise PluginError(active.alloc.name, "alloc_bulk", f"gave frame {pfn}, which is in use")
        page_flags.v[pfn] = PG_FREE


def _refill(cpu: int, want: int) -> int:
    """Fill this CPU's list from the allocator; returns its new length."""
    with zone_lock:
        got = active.alloc.alloc_bulk(want)
        zone.s.nr_used += len(got)
        _check_given(got)
    at = cpu * PCP_SIZE
    for k, pfn in enumerate(reversed(got)):
        pcp_frames.v[at + k] = pfn
    pcp_count.v[cpu] = len(got)
    return len(got)


def _drain(cpu: int, count: int) -> int:
    """Give `count` frames of this CPU's list back; returns its new length."""
    n = pcp_count.v[cpu] - count
    at = cpu * PCP_SIZE + n
    pfns = pcp_frames.v[at : at + count].tolist()
    pcp_count.v[cpu] = n
    with zone_lock:
        active.alloc.free_bulk(pfns)
        zone.s.nr_used -= count
    return n


def drain_local() -> None:
    """Give this CPU's whole list back (it goes idle, or the audit wants to count)."""
    n = pcp_count.v[this.id]
    if n:
        _drain(this.id, n)


def nr_free() -> int:
    """Frames that are free: the allocator's and the CPUs' lists."""
    return active.alloc.nr_free() + int(pcp_count.np.sum())


def nr_total() -> int:
    """Frames that could ever be handed out."""
    return frames.nr - FIRST_PFN
