"""System calls on memory: check arguments, then one call into kos/mm.

Addresses and lengths come as Python ints of any size; a 64-bit register holds them modulo 2**64, so that a negative
length is a huge one.
"""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.mm import views
from kos.mm.brk import do_brk
from kos.mm.filemap import file_ops
from kos.mm.madvise import do_madvise
from kos.mm.mincore import do_mincore, do_msync
from kos.mm.minherit import do_minherit
from kos.mm.mmap import MAP_ANONYMOUS, do_mmap, do_munmap
from kos.mm.mprotect import do_mprotect
from kos.mm.mremap import do_mremap
from kos.mm.page_alloc import nr_free, nr_total
from kos.mm.pagecache import put_mapping
from kos.mm.structs import Mm
from kos.params import PAGE_SIZE
from kos.syscall.table import syscall

_MASK64 = (1 << 64) - 1


def _mm() -> Mm:
    mm: Mm = this.mm
    return mm


def _word(n: int) -> int:
    """An address or a length: what is left of it in a register."""
    return n & _MASK64


@syscall("mmap")
def mmap(addr: int, length: int, prot: int, flags: int, fd: int = -1, offset: int = 0) -> int:
    """Map a file or anonymous memory; the address."""
    if offset & PAGE_SIZE - 1:
        raise GuestFault(errno.EINVAL)
    file = None if flags & MAP_ANONYMOUS else file_ops.file_of_fd(fd)
    try:
        return do_mmap(_mm(), _word(addr), _word(length), prot, flags, file, _word(offset))
    finally:
        if file is not None and file.mapping is not None:
            put_mapping(file.mapping)


@syscall("munmap")
def munmap(addr: int, length: int) -> None:
    """Unmap whole pages."""
    do_munmap(_mm(), _word(addr), _word(length))


@syscall("mprotect")
def mprotect(addr: int, length: int, prot: int) -> None:
    """Set the rights of whole pages."""
    do_mprotect(_mm(), _word(addr), _word(length), prot)


@syscall("mremap")
def mremap(addr: int, old: int, new: int, flags: int = 0, new_addr: int = 0) -> int:
    """Resize or move a mapping; its address."""
    return do_mremap(_mm(), _word(addr), _word(old), _word(new), flags, _word(new_addr))


@syscall("madvise")
def madvise(addr: int, length: int, advice: int) -> None:
    """Advice on a range."""
    do_madvise(_mm(), _word(addr), _word(length), advice)


@syscall("mincore")
def mincore(addr: int, length: int) -> bytes:
    """One byte a page: is it resident?"""
    return do_mincore(_mm(), _word(addr), _word(length))


@syscall("msync")
def msync(addr: int, length: int, flags: int) -> None:
    """Write a mapped file back: it is where it belongs already."""
    do_msync(_mm(), _word(addr), _word(length), flags)


@syscall("minherit")
def minherit(addr: int, length: int, inherit: int) -> None:
    """What a child gets of a range."""
    do_minherit(_mm(), _word(addr), _word(length), inherit)


@syscall("brk")
def brk(addr: int) -> int:
    """Move the end of the heap; the end after the call."""
    return do_brk(_mm(), addr)


@syscall("pagemap")
def pagemap(addr: int) -> tuple[bool, int, bool, bool, bool, bool]:
    """present, pfn, writable, dirty, accessed, shared of the caller's page at addr."""
    return views.page_view(_mm(), addr)


@syscall("memory_pages")
def memory_pages() -> tuple[int, int]:
    """All frames of the machine, and those that are free."""
    return nr_total(), nr_free()
