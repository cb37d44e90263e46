"""dup_mm(): what fork does to memory. Walks the VMAs; what happens to private pages is the ForkPolicy's.

Follows dup_mmap(), Linux 6.0 kernel/fork.c. Shared mappings, and private ones that never had a page of their own,
copy no entries: the child faults them in. The parent's mm lock is held throughout, so its threads' faults wait;
they may go on storing through TLB entries that are still writable until the one flush at the end, before which
the child does not run.
"""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.phys import frames
from kos.hw.pte import PTE_U, PTE_W
from kos.mm.fault import entry_bits, update_peak
from kos.mm.limits import charge, count_vm, is_accountable, uncharge
from kos.mm.mm import mm_alloc, mmput
from kos.mm.page import adopt_anon, unmap_page
from kos.mm.page_alloc import alloc_page
from kos.mm.pagecache import find_page
from kos.mm.pgtable import make_pte
from kos.mm.policy import active
from kos.mm.shootdown import flush_tlb_mm
from kos.mm.structs import (
    VM_ACCOUNT,
    VM_ANON_PAGES,
    VM_COPYONFORK,
    VM_DONTFORK,
    VM_PROT,
    VM_SHARED,
    VM_WIPEONFORK,
    VM_WRITE,
    Mm,
    Vma,
    mapping_lock,
    mappings,
    mm_lock,
    mms_lock,
)
from kos.mm.vma import alloc_vma, for_each_vma, link_vma
from kos.params import PAGE_SIZE


def dup_mm(old: Mm) -> Mm:
    """A copy of an address space, with one user. Raises GuestFault(ENOMEM) with everything undone."""
    new = mm_alloc(old.family)
    # No user until it is complete: truncation, which finds the child's VMAs by the file, leaves it alone and
    # comes back (kos/mm/pagecache.py).
    new.users = 0
    failed: GuestFault | None = None
    with mm_lock(old):
        took_rights = False
        try:
            for field in ("brk_start", "brk_end", "mmap_base", "stack_top"):
                setattr(new, field, getattr(old, field))
            for v in for_each_vma(old):
                if not v.flags & VM_DONTFORK:
                    took_rights |= _dup_vma(old, new, v)
        except GuestFault as e:
            failed = e
            took_rights = True  # the policy may have got half way through a VMA
        if took_rights and active.fork.must_flush():
            flush_tlb_mm(old, "fork", int(old.rss_anon))
        update_peak(new)
    new.users = 1
    if failed is not None:
        mmput(new)
        raise failed
    return new


def _dup_vma(old: Mm, new: Mm, v: Vma) -> bool:
    """The child's version of one VMA, linked and filled; says whether the policy touched the parent's pages."""
    flags = v.flags
    index = v.mapping
    if (flags & VM_WIPEONFORK and index) or (flags & VM_COPYONFORK and flags & VM_SHARED):
        # minherit: the child's is private and anonymous (FreeBSD: vmspace_fork, VM_INHERIT_COPY and _ZERO).
        index = 0
        flags &= ~(VM_SHARED | VM_COPYONFORK)
        if is_accountable(flags):
            flags |= VM_ACCOUNT
    pages = v.end - v.start >> 12
    if flags & VM_ACCOUNT:
        if not charge(pages):
            raise GuestFault(errno.ENOMEM)
    w = alloc_vma()
    if w is None:
        uncharge(pages if flags & VM_ACCOUNT else 0)
        raise GuestFault(errno.ENOMEM)
    w.start = v.start
    w.end = v.end
    w.pgoff = v.pgoff if index or not v.mapping else v.start >> 12
    w.flags = flags & ~VM_ANON_PAGES
    w.mapping = index
    if index:
        with mms_lock:
            mappings[index].refs += 1
    link_vma(new, w)
    count_vm(new, flags, pages)
    if flags & VM_ACCOUNT:
        new.committed += pages
    if v.flags & VM_WIPEONFORK:
        return False
    if v.flags & VM_COPYONFORK and v.flags & VM_SHARED:
        _copy_shared(new, v, w)
        return False
    if v.flags & VM_SHARED or not v.flags & VM_ANON_PAGES:
        return False
    w.flags |= VM_ANON_PAGES
    active.fork.copy_range(old, new, v)
    return True


def _copy_shared(new: Mm, v: Vma, w: Vma) -> None:
    """Private copies of what a shared mapping holds now."""
    m = mappings[v.mapping]
    bits = entry_bits(w) | (PTE_W if w.flags & VM_WRITE else 0)
    if not w.flags & VM_PROT:
        bits &= ~PTE_U
    for vaddr in range(v.start, v.end, PAGE_SIZE):
        fresh = 0
        with mapping_lock(m):
            source = find_page(m, v.pgoff + (vaddr - v.start >> 12))
            if source:
                fresh = alloc_page(zeroed=False)
                if fresh:
                    a, b = fresh << 12, source << 12
                    frames.mem[a : a + PAGE_SIZE] = frames.mem[b : b + PAGE_SIZE]
        if not source:
            continue
        at = make_pte(new, vaddr) if fresh else 0
        if fresh:
            adopt_anon(fresh, new.family, vaddr >> 12)
        if not at:
            if fresh:
                unmap_page(fresh)
            raise GuestFault(errno.ENOMEM)
        w.flags |= VM_ANON_PAGES
        frames.mem64[at] = fresh << 12 | bits
        new.rss_anon += 1
