"""minherit: what a child gets of a range. FreeBSD: vm_map_inherit(), sys/vm/vm_map.c.

NONE and ZERO are flags that fork obeys (Linux: DONTFORK, WIPEONFORK). SHARE of private memory gives it contents
that can be shared: a page cache of its own, filled with copies of the pages there are (FreeBSD materialises the VM
object likewise). COPY of shared memory makes fork give the child private copies.
"""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.mmu import find_pte
from kos.hw.phys import frames
from kos.hw.pte import PTE_FILE, PTE_P, PTE_SPECIAL, pte_pfn
from kos.mm.bulk import write_protect
from kos.mm.limits import charge, count_vm, uncharge
from kos.mm.mmap import isolate, page_align
from kos.mm.pagecache import find_page, mapping_alloc, put_mapping, write
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import (
    MAPPING_SHMEM,
    VM_ACCOUNT,
    VM_ANON_PAGES,
    VM_COPYONFORK,
    VM_DONTFORK,
    VM_SHARED,
    VM_WIPEONFORK,
    Mm,
    Vma,
    mapping_lock,
    mappings,
    mm_lock,
)
from kos.mm.vma import link_vma, merge_around, unlink_vma
from kos.mm.zap import zap_range
from kos.params import PAGE_SIZE, USER_TOP

INHERIT_SHARE, INHERIT_COPY, INHERIT_NONE, INHERIT_ZERO = range(4)


def do_minherit(mm: Mm, addr: int, length: int, inherit: int) -> None:
    """Raises GuestFault: EINVAL, ENOMEM."""
    if inherit not in (INHERIT_SHARE, INHERIT_COPY, INHERIT_NONE, INHERIT_ZERO):
        raise GuestFault(errno.EINVAL)
    start = addr & ~(PAGE_SIZE - 1)
    end = page_align(addr + length)
    if length < 0 or not 0 <= start <= end <= USER_TOP:
        raise GuestFault(errno.EINVAL)
    with mm_lock(mm):
        for v in isolate(mm, start, end):
            v.flags &= ~(VM_DONTFORK | VM_WIPEONFORK | VM_COPYONFORK)
            if inherit == INHERIT_NONE:
                v.flags |= VM_DONTFORK
            elif inherit == INHERIT_ZERO:
                v.flags |= VM_WIPEONFORK
            elif inherit == INHERIT_COPY and v.flags & VM_SHARED:
                v.flags |= VM_COPYONFORK
            elif inherit == INHERIT_SHARE and not v.flags & VM_SHARED:
                _materialise(mm, v)
        mm.map_seq += 1
        merge_around(mm, start, end)


def _materialise(mm: Mm, v: Vma) -> None:
    """Turn a private VMA into a shared one with the same contents; mm lock held."""
    pages = v.end - v.start >> 12
    if not v.flags & VM_ACCOUNT and not charge(pages):
        raise GuestFault(errno.ENOMEM)
    try:
        m = mapping_alloc(MAPPING_SHMEM)
    except GuestFault:
        if not v.flags & VM_ACCOUNT:
            uncharge(pages)
        raise
    old = v.mapping
    # Other threads' stores must not fall between the copy and the switch: they fault, and wait for the mm lock.
    quiet = StaleBatch(mm)
    write_protect(mm, v.start, v.end, quiet)
    quiet.invalidate("minherit")
    try:
        for vaddr in range(v.start, v.end, PAGE_SIZE):
            data = _contents(mm, v, vaddr)
            if data:
                write(m, vaddr - v.start, data)
    except GuestFault:
        put_mapping(m)
        if not v.flags & VM_ACCOUNT:
            uncharge(pages)
        raise GuestFault(errno.ENOMEM) from None
    m.size = v.end - v.start
    m.charged = pages
    stale = StaleBatch(mm)
    zap_range(mm, v.start, v.end, stale)
    unlink_vma(mm, v)
    count_vm(mm, v.flags, -pages)
    if v.flags & VM_ACCOUNT:
        mm.committed -= pages  # the charge is the mapping's now
    v.flags = v.flags & ~(VM_ACCOUNT | VM_ANON_PAGES) | VM_SHARED
    v.mapping = m.index
    v.pgoff = 0
    link_vma(mm, v)
    count_vm(mm, v.flags, pages)
    stale.invalidate("minherit")
    if old:
        put_mapping(mappings[old])


def _contents(mm: Mm, v: Vma, vaddr: int) -> bytes:
    """What one page of a private VMA holds; b"" = zeros."""
    at = find_pte(mm.pgd, vaddr)
    e = frames.mem64[at] if at else 0
    if e & PTE_P and not e & (PTE_SPECIAL | PTE_FILE):
        pfn = pte_pfn(e)
    elif v.mapping:
        m = mappings[v.mapping]
        with mapping_lock(m):
            pfn = find_page(m, v.pgoff + (vaddr - v.start >> 12))
    else:
        pfn = 0
    return bytes(frames.mem[pfn << 12 : (pfn << 12) + PAGE_SIZE]) if pfn else b""
