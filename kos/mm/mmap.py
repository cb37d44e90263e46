"""mmap and munmap: what they mean for the list of VMAs. Follows mm/mmap.c of Linux 6.0."""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.hw.ipi import poll_ipis
from kos.hw.mmu import find_pte
from kos.hw.phys import frames
from kos.hw.pte import PTE_P, PTE_W
from kos.mm.fault import FaultResult, handle_mm_fault
from kos.mm.filemap import MappedFile
from kos.mm.grow import GUARD_GAP, MMAP_LOW
from kos.mm.limits import charge, count_vm, is_accountable, require_expand, settings, uncharge
from kos.mm.pagecache import get_mapping, mapping_alloc, put_mapping
from kos.mm.pgtable import unhook_leaves
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import (
    MAPPING_SHMEM,
    VM_ACCOUNT,
    VM_GROWSDOWN,
    VM_MAYWRITE,
    VM_NORESERVE,
    VM_PROT,
    VM_SHARED,
    VM_WRITE,
    Mapping,
    Mm,
    Vma,
    mappings,
    mm_lock,
    vmas,
)
from kos.mm.vma import (
    alloc_vma,
    free_vma,
    index_of,
    link_vma,
    merge_around,
    overlapping,
    split_vma,
    unlink_vma,
)
from kos.mm.zap import zap_range
from kos.params import PAGE_SIZE, USER_TOP
from kos.trace.events import MMAP, MUNMAP

PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC = 0, 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE, MAP_TYPE = 1, 2, 3, 0xF
MAP_FIXED, MAP_ANONYMOUS, MAP_GROWSDOWN = 0x10, 0x20, 0x100
MAP_NORESERVE, MAP_POPULATE, MAP_FIXED_NOREPLACE = 0x4000, 0x8000, 0x10_0000
MAX_FILE = (1 << 63) - 1  #: bytes that an offset into a file can name (Linux: MAX_LFS_FILESIZE)
MAX_MAP_COUNT = 65530  #: VMAs of one address space (Linux: vm.max_map_count)


def page_align(n: int) -> int:
    """n bytes, rounded up to whole pages."""
    return n + PAGE_SIZE - 1 & ~(PAGE_SIZE - 1)


def do_mmap(
    mm: Mm, addr: int, length: int, prot: int, flags: int, file: MappedFile | None = None, offset: int = 0
) -> int:
    """Map memory; returns its address. `file` where MAP_ANONYMOUS is not given. Raises GuestFault, nothing done."""
    if length <= 0 or offset < 0 or offset & PAGE_SIZE - 1:
        raise GuestFault(errno.EINVAL)
    size = page_align(length)
    if size > USER_TOP or not 0 <= addr < 1 << 64:
        raise GuestFault(errno.ENOMEM)
    kind = flags & MAP_TYPE
    if kind not in (MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE) or (file is None and kind == MAP_SHARED_VALIDATE):
        raise GuestFault(errno.EINVAL)
    if file is not None and offset + size > MAX_FILE:
        raise GuestFault(errno.EOVERFLOW)
    is_shared = kind != MAP_PRIVATE
    vm_flags = prot & VM_PROT | VM_MAYWRITE
    if is_shared:
        vm_flags |= VM_SHARED
    if flags & MAP_NORESERVE:
        vm_flags |= VM_NORESERVE
    if flags & MAP_GROWSDOWN:
        if is_shared or file is not None:
            raise GuestFault(errno.EINVAL)
        vm_flags |= VM_GROWSDOWN
    if flags & (MAP_FIXED | MAP_FIXED_NOREPLACE):
        if addr & PAGE_SIZE - 1:
            raise GuestFault(errno.EINVAL)
        if addr + size > USER_TOP:
            raise GuestFault(errno.ENOMEM)
        if addr < settings.min_addr:
            raise GuestFault(errno.EPERM)
    if file is not None and not flags & MAP_ANONYMOUS:
        if not file.readable:
            raise GuestFault(errno.EACCES)
        if is_shared and not file.writable:
            if prot & PROT_WRITE:
                raise GuestFault(errno.EACCES)
            vm_flags &= ~VM_MAYWRITE
        if file.mapping is None and not file.is_zero:
            # After the permissions, as Linux: a pipe's read end mapped for writing is EACCES.
            raise GuestFault(errno.ENODEV)
    mapping: Mapping | None = None
    if file is not None and file.mapping is not None:
        mapping = get_mapping(file.mapping)
    elif is_shared:
        mapping = _shared_memory(size, vm_flags)
        offset = 0
    try:
        with mm_lock(mm):
            start = _mmap_region(mm, addr, size, flags, vm_flags, mapping, offset)
    except GuestFault:
        if mapping is not None:
            put_mapping(mapping)
        raise
    if MMAP.on:
        MMAP(vaddr=start, len_bytes=size, prot=prot, flags=flags)
    if flags & MAP_POPULATE:
        populate(mm, start, start + size)
    return start


def _shared_memory(size: int, vm_flags: int) -> Mapping:
    """The contents of a new shared anonymous mapping (Linux: shmem_zero_setup)."""
    pages = 0 if vm_flags & VM_NORESERVE and settings.mode != 2 else size >> 12
    if not charge(pages):
        raise GuestFault(errno.ENOMEM)
    try:
        mapping = mapping_alloc(MAPPING_SHMEM)
    except GuestFault:
        uncharge(pages)
        raise
    mapping.size = size
    mapping.charged = pages
    return mapping


def _mmap_region(mm: Mm, addr: int, size: int, flags: int, vm_flags: int, mapping: Mapping | None, offset: int) -> int:
    """Choose the place, clear it where it is fixed, insert the VMA; mm lock held. The VMA takes the reference."""
    if flags & (MAP_FIXED | MAP_FIXED_NOREPLACE):
        start = addr
        if flags & MAP_FIXED_NOREPLACE and overlapping(mm, start, start + size):
            raise GuestFault(errno.EEXIST)
    else:
        start = get_unmapped_area(mm, addr & ~(PAGE_SIZE - 1), size)
    replaced = sum(min(v.end, start + size) - max(v.start, start) for v in overlapping(mm, start, start + size)) >> 12
    pages = size >> 12
    require_expand(mm, vm_flags, pages - replaced)
    if mm.nr_vmas >= MAX_MAP_COUNT:
        raise GuestFault(errno.ENOMEM)
    charged = 0
    if is_accountable(vm_flags):
        if not charge(pages):
            raise GuestFault(errno.ENOMEM)
        charged = pages
        vm_flags |= VM_ACCOUNT
    v = alloc_vma()
    try:
        if v is None:
            raise GuestFault(errno.ENOMEM)
        if replaced:
            unmap_locked(mm, start, start + size)
    except GuestFault:
        uncharge(charged)
        if v is not None:
            free_vma(v)
        raise
    v.start = start
    v.end = start + size
    v.flags = vm_flags
    v.mapping = mapping.index if mapping is not None else 0
    v.pgoff = offset >> 12 if mapping is not None else start >> 12
    link_vma(mm, v)
    mm.committed += charged
    count_vm(mm, vm_flags, pages)
    merge_around(mm, start, start + size)
    return start


def gap_below(v: Vma) -> int:
    """Lowest address that a mapping keeps free below itself."""
    return max(0, v.start - GUARD_GAP) if v.flags & VM_GROWSDOWN else v.start


def get_unmapped_area(mm: Mm, hint: int, size: int) -> int:
    """Where `size` bytes fit: at the hint, else top-down below mmap_base, else anywhere. GuestFault(ENOMEM)."""
    ix = index_of(mm)
    if hint:
        hint = max(hint, MMAP_LOW)  # Linux: round_hint_to_min()
    if hint and hint + size <= USER_TOP:
        around = overlapping(mm, hint, hint + size + GUARD_GAP)
        if all(gap_below(v) >= hint + size for v in around):
            return hint
    for top in (mm.mmap_base, mm.stack_top):
        for v in reversed(ix.vmas):
            if v.end <= top and top - v.end >= size:
                break  # there is room between this one and what lies above
            if gap_below(v) < top:
                top = gap_below(v)
        if top - size >= MMAP_LOW:
            return top - size
    raise GuestFault(errno.ENOMEM)


def do_munmap(mm: Mm, addr: int, length: int) -> None:
    """Unmap whole pages; what is not mapped is no error. Raises GuestFault(EINVAL, ENOMEM)."""
    if addr & PAGE_SIZE - 1 or length <= 0 or not 0 <= addr <= USER_TOP:
        raise GuestFault(errno.EINVAL)
    size = page_align(length)
    if size > USER_TOP - addr:
        raise GuestFault(errno.EINVAL)
    with mm_lock(mm):
        unmap_locked(mm, addr, addr + size)
    if MUNMAP.on:
        MUNMAP(vaddr=addr, len_bytes=size)


def isolate(mm: Mm, start: int, end: int) -> list[Vma]:
    """Split at both ends, so that whole VMAs make up what is mapped in start..end-1; mm lock held.

    Raises GuestFault(ENOMEM) with nothing changed.
    """
    found = overlapping(mm, start, end)
    if not found:
        return found
    cuts = [at for at, v in ((start, found[0]), (end, found[-1])) if v.start < at < v.end]
    if cuts and mm.nr_vmas + len(cuts) > MAX_MAP_COUNT:
        raise GuestFault(errno.ENOMEM)
    blank: list[Vma] = []
    for _ in cuts:
        v = alloc_vma()
        if v is None:
            for b in blank:
                free_vma(b)
            raise GuestFault(errno.ENOMEM)
        blank.append(v)
    for at in cuts:
        inside = overlapping(mm, at, at + 1)[0]
        split_vma(mm, inside, at, blank.pop())
    return overlapping(mm, start, end)


def unmap_locked(mm: Mm, start: int, end: int) -> None:
    """Remove the mappings of start..end-1; mm lock held. Raises GuestFault(ENOMEM) with nothing changed."""
    doomed = isolate(mm, start, end)
    if not doomed:
        return
    stale = StaleBatch(mm)
    low, high = doomed[0], doomed[-1]
    floor = vmas[low.prev].end if low.prev else 0
    ceiling = vmas[high.next].start if high.next else USER_TOP
    for v in doomed:
        zap_range(mm, v.start, v.end, stale)
    unhook_leaves(mm, floor, ceiling, low.start, high.end, stale)
    freed = 0
    dropped = []
    for v in doomed:
        unlink_vma(mm, v)
        pages = v.end - v.start >> 12
        count_vm(mm, v.flags, -pages)
        if v.flags & VM_ACCOUNT:
            freed += pages
        if v.mapping:
            dropped.append(v.mapping)
        free_vma(v)
    mm.committed -= freed
    uncharge(freed)
    stale.invalidate("munmap", defer=True)
    for index in dropped:
        put_mapping(mappings[index])


def populate(mm: Mm, start: int, end: int, access: int | None = None) -> FaultResult:
    """Fault pages in ahead of time; stops at the first that cannot be (Linux ignores that, too)."""
    vaddr = start
    while vaddr < end:
        if this.interrupted:
            poll_ipis()
        with mm_lock(mm):
            found = overlapping(mm, vaddr, vaddr + 1)
            flags = found[0].flags if found else 0
            at = find_pte(mm.pgd, vaddr) if found else 0
            entry = frames.mem64[at] if at else 0
        if not flags & VM_PROT:
            return FaultResult.SIGSEGV
        wanted = access if access is not None else int(flags & (VM_WRITE | VM_SHARED) == VM_WRITE)
        if not entry & PTE_P or (wanted and not entry & PTE_W):
            result = handle_mm_fault(mm, vaddr, wanted)
            if result is not FaultResult.OK:
                return result
        vaddr += PAGE_SIZE
    return FaultResult.OK
