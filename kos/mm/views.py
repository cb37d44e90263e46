"""What an address space looks like from outside: the data behind /proc/PID/{maps,smaps,pagemap} and `kos inspect`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kos.hw.mmu import find_pte
from kos.hw.phys import frames
from kos.hw.pte import PTE_A, PTE_D, PTE_FILE, PTE_P, PTE_SPECIAL, pte_pfn
from kos.mm.filemap import file_ops
from kos.mm.limits import commit_limit
from kos.mm.page_alloc import nr_free, nr_total
from kos.mm.pgtable import leaf_slices
from kos.mm.structs import (
    MAPPING_MEMFD,
    MAPPING_SHMEM,
    VM_EXEC,
    VM_HEAP,
    VM_READ,
    VM_SHARED,
    VM_STACK,
    VM_WRITE,
    Mm,
    Vma,
    mappings,
    mm_lock,
    mms,
    page_mapcount,
    totals,
)
from kos.mm.vma import for_each_vma, vma_at


class MapView(NamedTuple):
    """One line of /proc/PID/maps. offset in bytes; name as Linux shows it."""

    start: int
    end: int
    perms: str
    offset: int
    dev: int
    inode: int
    name: str


class SmapView(NamedTuple):
    """One mapping's memory, in pages (pss in 1/4096 of a page)."""

    map: MapView
    size: int
    rss: int
    pss: int
    shared_clean: int
    shared_dirty: int
    private_clean: int
    private_dirty: int
    referenced: int
    anonymous: int


class PageView(NamedTuple):
    """One page as kos.guest.pagemap() tells it. shared: more than one entry maps the frame."""

    present: bool
    pfn: int
    writable: bool
    dirty: bool
    accessed: bool
    shared: bool


_PAGE_OF_A_FILE = np.uint64(PTE_P | PTE_FILE)
ABSENT = PageView(False, 0, False, False, False, False)


class _Raw(NamedTuple):
    """What is read of a VMA under the mm lock; the file's name is asked for after it (the file system locks)."""

    start: int
    end: int
    flags: int
    pgoff: int
    mapping: int


def _read(v: Vma) -> _Raw:
    return _Raw(v.start, v.end, v.flags, v.pgoff, v.mapping)


def _describe(v: _Raw) -> MapView:
    """A VMA as a line of maps; no lock held."""
    flags = v.flags
    perms = (
        ("r" if flags & VM_READ else "-")
        + ("w" if flags & VM_WRITE else "-")
        + ("x" if flags & VM_EXEC else "-")
        + ("s" if flags & VM_SHARED else "p")
    )
    name = "[heap]" if flags & VM_HEAP else "[stack]" if flags & VM_STACK else ""
    offset = dev = inode = 0
    if v.mapping:
        m = mappings[v.mapping]
        offset = v.pgoff << 12
        shared_memory = (1, int(m.seq), "/dev/zero (deleted)")
        dev, inode, name = shared_memory if m.flags & MAPPING_SHMEM else file_ops.name_of(m)
    return MapView(v.start, v.end, perms, offset, dev, inode, name)


def maps(mm: Mm) -> list[MapView]:
    """Every mapping, lowest first. No lock held."""
    with mm_lock(mm):
        found = [_read(v) for v in for_each_vma(mm)]
    return [_describe(v) for v in found]


def smaps(mm: Mm) -> list[SmapView]:
    """Every mapping with what is resident of it. No lock held."""
    with mm_lock(mm):
        found = [(_read(v), _count(mm, v)) for v in for_each_vma(mm)]
    return [SmapView(_describe(v), v.end - v.start >> 12, *counts) for v, counts in found]


def _count(mm: Mm, v: Vma) -> list[int]:
    """rss to anonymous of a SmapView; mm lock held."""
    rss = pss = shared_clean = shared_dirty = private_clean = private_dirty = referenced = anonymous = 0
    for _, at, count in leaf_slices(mm.pgd, v.start, v.end):
        part = frames.np64[at : at + count]
        for e in part[np.flatnonzero(part)].tolist():
            if e & PTE_SPECIAL:
                continue
            users = page_mapcount.v[pte_pfn(e)]
            rss += 1
            pss += 4096 // max(1, users)
            referenced += bool(e & PTE_A)
            anonymous += not e & PTE_FILE
            is_dirty = bool(e & PTE_D)
            if users > 1:
                shared_dirty += is_dirty
                shared_clean += not is_dirty
            else:
                private_dirty += is_dirty
                private_clean += not is_dirty
    return [rss, pss, shared_clean, shared_dirty, private_clean, private_dirty, referenced, anonymous]


def rss_shmem(mm: Mm) -> int:
    """Resident pages of shared anonymous memory and of memfds, which the mm counts with those of files."""
    pages = 0
    with mm_lock(mm):
        for v in for_each_vma(mm):
            if not v.mapping or not mappings[v.mapping].flags & (MAPPING_SHMEM | MAPPING_MEMFD):
                continue
            for _, at, count in leaf_slices(mm.pgd, v.start, v.end):
                part = frames.np64[at : at + count]
                pages += int(np.count_nonzero(part & _PAGE_OF_A_FILE == _PAGE_OF_A_FILE))
    return pages


def page_view(mm: Mm, vaddr: int) -> PageView:
    """One page, by its entry; the zero page counts as shared.

    Linux shows a process neither the write bit nor the accessed bit. What can be known there, and so what the host's
    door tells, is told here too: a page that is present has been accessed, and it is writable if a store would not
    have to copy it. The entry may still lack the bit (the other user of the frame is gone): the fault only sets it.
    """
    if not 0 <= vaddr < 1 << 47:
        return ABSENT
    with mm_lock(mm):
        at = find_pte(mm.pgd, vaddr)
        e = frames.mem64[at] if at else 0
        if not e & PTE_P:
            return ABSENT
        pfn = pte_pfn(e)
        is_shared = bool(e & PTE_SPECIAL) or page_mapcount.v[pfn] > 1
        v = vma_at(mm, vaddr)
        flags = v.flags if v is not None else 0
    is_writable = bool(flags & VM_WRITE and (flags & VM_SHARED or not is_shared))
    return PageView(True, pfn, is_writable, bool(e & PTE_D), True, is_shared)


def pagemap(mm: Mm, first: int, count: int) -> Iterator[int]:
    """The 64-bit words of /proc/PID/pagemap for pages first..first+count-1 (Documentation/admin-guide/mm/pagemap.rst).

    Bits 0-54 pfn, 55 soft-dirty, 56 exclusively mapped, 61 file page or shared anonymous, 63 present.
    """
    for vpn in range(first, first + count):
        with mm_lock(mm):
            at = find_pte(mm.pgd, vpn << 12) if 0 <= vpn << 12 < 1 << 47 else 0
            e = frames.mem64[at] if at else 0
            users = page_mapcount.v[pte_pfn(e)] if e & PTE_P else 0
        if not e & PTE_P:
            yield 0
            continue
        word = pte_pfn(e) | 1 << 63
        word |= bool(e & PTE_D) << 55
        word |= (users == 1 and not e & PTE_SPECIAL) << 56
        word |= bool(e & PTE_FILE) << 61
        yield word


class MemInfo(NamedTuple):
    """The machine's memory, in pages: /proc/meminfo."""

    total: int
    free: int
    cached: int
    page_tables: int
    anonymous: int
    mapped: int
    committed: int
    commit_limit: int


def meminfo() -> MemInfo:
    """The machine's memory now; approximate while CPUs run."""
    spaces = [mm for mm in mms.used() if mm.pgd]
    return MemInfo(
        nr_total(),
        nr_free(),
        sum(m.nr_pages for m in mappings.used()),
        sum(mm.nr_tables for mm in spaces),
        sum(mm.rss_anon for mm in spaces),
        sum(mm.rss_file for mm in spaces),
        totals.s.committed,
        commit_limit(),
    )
