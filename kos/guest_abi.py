"""The numbers of kos.guest: Linux's on x86-64, FreeBSD's for minherit and rfork. Shared by its two doors; no imports."""

from __future__ import annotations

from collections import namedtuple

PAGE_SIZE = 4096
PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC = 0, 1, 2, 4
MAP_SHARED, MAP_PRIVATE = 1, 2
MAP_FIXED, MAP_ANONYMOUS, MAP_ANON = 0x10, 0x20, 0x20
MAP_GROWSDOWN, MAP_NORESERVE, MAP_POPULATE = 0x100, 0x4000, 0x8000
MAP_STACK, MAP_FIXED_NOREPLACE = 0x20000, 0x100000
MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP = 1, 2, 4
MS_ASYNC, MS_INVALIDATE, MS_SYNC = 1, 2, 4
MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED = range(5)
MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK = 8, 9, 10, 11
MADV_WIPEONFORK, MADV_KEEPONFORK = 18, 19
MADV_POPULATE_READ, MADV_POPULATE_WRITE = 22, 23
INHERIT_SHARE, INHERIT_COPY, INHERIT_NONE, INHERIT_ZERO = range(4)  # FreeBSD, sys/mman.h
CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND = 0x100, 0x200, 0x400, 0x800
CLONE_VFORK, CLONE_PARENT, CLONE_THREAD = 0x4000, 0x8000, 0x10000
THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
RFFDG, RFPROC, RFMEM, RFNOWAIT, RFCFDG = 1 << 2, 1 << 4, 1 << 5, 1 << 6, 1 << 12  # FreeBSD, sys/unistd.h

#: One page of the caller's, see guest.pagemap().
PageInfo = namedtuple("PageInfo", "present pfn writable dirty accessed shared")

__all__ = [name for name in dir() if name[0].isupper()]
