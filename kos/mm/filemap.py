"""Mapped pages of the page cache: files, memfds and shared anonymous memory; private copies of them.

Follows do_read_fault(), do_cow_fault() and do_shared_fault(), Linux 6.0 mm/memory.c. What a file descriptor's file
is mapped from, only the file system knows: it fills `file_ops` at boot.
"""

from __future__ import annotations

from collections.abc import Callable

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.hw.phys import frames
from kos.hw.pte import PTE_COW, PTE_FILE, PTE_W, WRITE
from kos.mm.fault import OK, Fault, FaultResult, entry_bits
from kos.mm.page import adopt_anon
from kos.mm.page_alloc import alloc_page
from kos.mm.pagecache import map_for_fault, peek
from kos.mm.structs import VM_ANON_PAGES, VM_SHARED, VM_WRITE, Mapping, mappings
from kos.params import PAGE_SIZE


class MappedFile:
    """What mmap wants to know of an open file. readable, writable: as it was opened; mapping None: not to be mapped.

    is_zero: it is /dev/zero, whose mappings are anonymous memory.
    """

    __slots__ = ("is_zero", "mapping", "readable", "writable")

    def __init__(self, mapping: Mapping | None, readable: bool, writable: bool, is_zero: bool = False) -> None:
        self.is_zero = is_zero
        self.mapping = mapping
        self.readable = readable
        self.writable = writable


class FileOps:
    """The file system's side, filled at boot."""

    #: fd of the current task -> its file, with a reference to its mapping; raises GuestFault(EBADF)
    file_of_fd: Callable[[int], MappedFile]
    #: st_dev, st_ino and path of what a mapping is of, for /proc/PID/maps
    name_of: Callable[[Mapping], tuple[int, int, str]] = staticmethod(lambda m: (0, 0, ""))


file_ops = FileOps()


def handle(fault: Fault) -> FaultResult:
    """The page of a mapping is not there yet. mm lock held."""
    vma = fault.vma
    mapping = mappings[vma.mapping]
    is_shared = vma.flags & VM_SHARED
    if fault.access == WRITE and not is_shared:
        return _private_copy(fault, mapping)
    try:
        pfn = map_for_fault(mapping, fault.index)
    except GuestFault:
        return FaultResult.OOM
    if not pfn:
        return FaultResult.SIGBUS
    bits = entry_bits(vma) | PTE_FILE
    if vma.flags & VM_WRITE:
        bits |= PTE_W if is_shared else PTE_COW
    fault.set_entry(pfn << 12 | bits)
    fault.mm.rss_file += 1
    fault.kind = "file"
    this.block.nr_fault_file += 1
    return OK


def _private_copy(fault: Fault, mapping: Mapping) -> FaultResult:
    """First access is a write: copy at once, without mapping the file's own page."""
    is_inside, data = peek(mapping, fault.index)
    if not is_inside:
        return FaultResult.SIGBUS
    pfn = alloc_page(zeroed=False)
    if not pfn:
        return FaultResult.OOM
    frames.mem[pfn << 12 : (pfn << 12) + PAGE_SIZE] = data
    adopt_anon(pfn, fault.mm.family, fault.index)
    fault.vma.flags |= VM_ANON_PAGES
    fault.set_entry(pfn << 12 | entry_bits(fault.vma) | PTE_W)
    fault.mm.rss_anon += 1
    fault.kind = "cow_copy"
    this.block.nr_fault_cow_copy += 1
    return OK
