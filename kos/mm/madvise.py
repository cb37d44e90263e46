"""madvise: advice that changes what memory holds, and what fork does to it. Follows mm/madvise.c of Linux 6.0."""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.mm.fault import FaultResult
from kos.mm.mmap import isolate, page_align, populate
from kos.mm.page_alloc import nr_free, nr_total
from kos.mm.pagecache import punch_hole
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import (
    VM_DONTFORK,
    VM_MAYWRITE,
    VM_READ,
    VM_SHARED,
    VM_WIPEONFORK,
    VM_WRITE,
    Mapping,
    Mm,
    Vma,
    mappings,
    mm_lock,
)
from kos.mm.vma import merge_around, overlapping, vma_at
from kos.mm.zap import zap_range
from kos.params import PAGE_SIZE, USER_TOP

MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED = range(5)
MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK = 8, 9, 10, 11
MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP = range(12, 18)
MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT = 18, 19, 20, 21
MADV_POPULATE_READ, MADV_POPULATE_WRITE = 22, 23
_NO_EFFECT = {
    MADV_NORMAL,
    MADV_RANDOM,
    MADV_SEQUENTIAL,
    MADV_MERGEABLE,
    MADV_UNMERGEABLE,
    MADV_HUGEPAGE,
    MADV_NOHUGEPAGE,
    MADV_DONTDUMP,
    MADV_DODUMP,
    MADV_COLD,
    MADV_PAGEOUT,
}
_FLAG_CHANGES = {
    MADV_DONTFORK: (VM_DONTFORK, 0),
    MADV_DOFORK: (0, VM_DONTFORK),
    MADV_WIPEONFORK: (VM_WIPEONFORK, 0),
    MADV_KEEPONFORK: (0, VM_WIPEONFORK),
}


def do_madvise(mm: Mm, addr: int, length: int, advice: int) -> None:
    """Raises GuestFault: EINVAL, ENOMEM for a range with holes (the mapped parts have been dealt with)."""
    known = advice in _NO_EFFECT or advice in _FLAG_CHANGES
    known = known or advice in (MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_REMOVE)
    known = known or advice in (MADV_POPULATE_READ, MADV_POPULATE_WRITE)
    if not known or addr & PAGE_SIZE - 1 or length < 0:
        raise GuestFault(errno.EINVAL)
    end = addr + page_align(length)
    if end > 1 << 64:
        raise GuestFault(errno.EINVAL)
    if addr == end:
        return
    if addr >= USER_TOP:
        raise GuestFault(errno.ENOMEM)
    if advice in (MADV_POPULATE_READ, MADV_POPULATE_WRITE):
        _populate(mm, addr, end, int(advice == MADV_POPULATE_WRITE))
        return
    holes: list[tuple[Mapping, int, int]] = []
    refused = 0
    with mm_lock(mm):
        has_holes = _has_holes(mm, addr, end)
        if advice in _FLAG_CHANGES:
            _change_flags(mm, addr, end, *_FLAG_CHANGES[advice])
        elif advice in (MADV_DONTNEED, MADV_FREE):
            _dontneed(mm, addr, end, advice)
        elif advice == MADV_REMOVE:
            holes, refused = _remove_ranges(mm, addr, end)
        elif advice == MADV_WILLNEED:
            pass  # everything that could be read ahead is in memory already
    for mapping, first, last in holes:
        punch_hole(mapping, first, last)
    if refused:
        raise GuestFault(refused)
    if has_holes:
        raise GuestFault(errno.ENOMEM)


def _has_holes(mm: Mm, start: int, end: int) -> bool:
    for v in overlapping(mm, start, end):
        if v.start > start:
            return True
        start = v.end
    return start < end


def _change_flags(mm: Mm, start: int, end: int, add: int, remove: int) -> None:
    # Wiping is for private anonymous memory only. As in Linux's walk, what stands before anything else is changed.
    refused = None
    if add & VM_WIPEONFORK:
        refused = next((v.start for v in overlapping(mm, start, end) if v.mapping or v.flags & VM_SHARED), None)
        end = end if refused is None else max(start, refused)
    if start < end:
        try:
            covered = isolate(mm, start, end)
        except GuestFault:
            raise GuestFault(errno.EAGAIN) from None  # Linux: for want of what the kernel itself needs
        for v in covered:
            v.flags = v.flags & ~remove | add
        mm.map_seq += 1
        merge_around(mm, start, end)
    if refused is not None:
        raise GuestFault(errno.EINVAL)


def _dontneed(mm: Mm, start: int, end: int, advice: int) -> None:
    """Drop the pages: private ones read as zeros (or the file) again.

    FREE may drop them until they are stored to. Linux does so when it has to reclaim memory; nothing here reclaims, so
    it is decided at once: they stay while a quarter of the machine's memory is free.
    """
    stale = StaleBatch(mm)
    is_plenty = nr_free() * 4 >= nr_total()
    for v in overlapping(mm, start, end):
        if advice == MADV_FREE:
            if v.mapping or v.flags & VM_SHARED:
                stale.invalidate("madvise")
                raise GuestFault(errno.EINVAL)
            if is_plenty:
                continue
        zap_range(mm, max(start, v.start), min(end, v.end), stale)
    stale.invalidate("madvise", defer=True)


def _remove_ranges(mm: Mm, start: int, end: int) -> tuple[list[tuple[Mapping, int, int]], int]:
    """What to take out of which file, up to the first mapping that allows none; and its errno, 0 = none."""
    found: list[tuple[Mapping, int, int]] = []
    for v in overlapping(mm, start, end):
        if not v.mapping:
            return found, errno.EINVAL
        if not v.flags & VM_SHARED or not v.flags & VM_MAYWRITE:
            return found, errno.EACCES
        low, high = max(start, v.start), min(end, v.end)
        found.append((mappings[v.mapping], _index(v, low), _index(v, high)))
    return found, 0


def _index(v: Vma, vaddr: int) -> int:
    return v.pgoff + (vaddr - v.start >> 12)


def _populate(mm: Mm, start: int, end: int, access: int) -> None:
    """Page by page, up to the first that cannot be. Linux: faultin_page_range(), mm/gup.c."""
    wanted = VM_WRITE if access else VM_READ
    while start < end:
        with mm_lock(mm):
            v = vma_at(mm, start)
            until, flags = (min(v.end, end), v.flags) if v is not None else (0, 0)
        if v is None:
            raise GuestFault(errno.ENOMEM)
        if not flags & wanted:
            raise GuestFault(errno.EINVAL)
        result = populate(mm, start, until, access)
        if result is FaultResult.OOM:
            raise GuestFault(errno.ENOMEM)
        if result is not FaultResult.OK:
            raise GuestFault(errno.EFAULT)
        start = until
