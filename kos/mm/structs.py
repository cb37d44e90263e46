"""Page, Mm, Vma, Mapping: the layouts of memory management, their guards and invariants. Read this first.

Locks (order in kos/sync/order.py): `mm_locks[mm.index]` guards an address space: its VMAs, its page tables and
its counters. `mapping_locks[mapping.index]` guards a page cache. `zone_lock` the allocator. `frame_lock` the
reference and map counts of every frame: one lock, because whole tables are counted in one numpy sweep.
`mms_lock` guards the tables of Mm, Vma and Mapping slots and the users counts.

Invariants (checked by kos/audit):
  refcount(frame) = entries that map it + 1 for each page cache, page table or kernel use it serves
  mapcount(frame) = entries that map it
  VMAs of one mm are sorted, do not overlap, are page-aligned, and lie in [PAGE_SIZE, USER_TOP)
"""

from __future__ import annotations

import ctypes
from typing import Annotated, Any

from kos.arena.layout import Struct, layout, u32, u64
from kos.arena.table import Alone, Column, Table
from kos.params import MAX_CPUS, Params
from kos.sync.fairlock import FairLockPool
from kos.sync.spinlock import LockPool, SpinLock

mm_locks = FairLockPool("mm", "mm", 64)  #: held over shootdowns
mapping_locks = LockPool("mapping", "mapping", 64)
zone_lock = SpinLock("zone", "zone")
frame_lock = SpinLock("frame", "frame")
commit_lock = SpinLock("commit", "commit")
mms_lock = SpinLock("mm slots", "commit")

# --- struct page, as columns by pfn -------------------------------------------------------------------------

PG_FREE = 1 << 0  #: on the allocator's or a CPU's free list
PG_USED = 1 << 1  #: handed out
PG_TABLE = 1 << 2  #: holds page-table entries or a page cache's index
PG_ANON = 1 << 3  #: private memory: page_mapping is the family, page_index the virtual page
PG_CACHE = 1 << 4  #: page_mapping is the Mapping's slot, page_index the page of the file
PG_RESERVED = 1 << 5  #: the kernel's own for good (the zero page)


def _frames(p: Params) -> int:
    return p.nr_frames


# frame_lock held (a frame that nobody else can reach yet needs no lock):
page_refcount = Column("page_refcount", "I", _frames)  #: references; 0 = free. is_last_reference() reads it without
page_mapcount = Column("page_mapcount", "I", _frames)  #: page-table entries that map the frame
# the owner of the frame writes, when it hands it out or takes it back:
page_flags = Column("page_flags", "I", _frames)  #: PG_*; 0 = never handed out
page_mapping = Column("page_mapping", "I", _frames)
page_index = Column("page_index", "Q", _frames)  #: unit: pages
# zone_lock held, or the CPU whose list the frame is on:
page_next = Column("page_next", "I", _frames)  #: next free frame; 0 ends the list

# --- address spaces -----------------------------------------------------------------------------------------

VM_READ, VM_WRITE, VM_EXEC, VM_SHARED = 1, 2, 4, 8
VM_MAYWRITE = 0x20  #: mprotect may add PROT_WRITE (a shared mapping of a file open for reading may not)
VM_GROWSDOWN = 0x100
VM_DONTFORK = 0x2_0000  #: the child has no such mapping
VM_ACCOUNT = 0x10_0000  #: its pages are charged against the commit limit
VM_NORESERVE = 0x20_0000
VM_WIPEONFORK = 0x200_0000  #: the child has it empty
VM_COPYONFORK = 0x400_0000  #: shared, but the child has a private copy (minherit INHERIT_COPY)
VM_STACK = 0x800_0000  #: a task's main stack, for /proc/PID/maps
VM_HEAP = 0x1000_0000
VM_ANON_PAGES = 0x2000_0000  #: has had a private page: only then fork copies its entries (Linux: vma->anon_vma)
VM_PROT = VM_READ | VM_WRITE | VM_EXEC


@layout(size=80)
class Vma(Struct):
    """One stretch of an address space with equal rights. Linux: vm_area_struct. mm lock held."""

    start: u64  #: first byte
    end: u64  #: first byte after
    pgoff: u64  #: page of the mapping at `start`; of private anonymous memory start >> 12 when it was made
    flags: u32  #: VM_*
    mm: u32  #: slot of the Mm; 0 = not in one
    next: u32  #: next higher VMA of the mm; 0 = last
    prev: u32
    mapping: u32  #: slot of the Mapping; 0 = private anonymous
    pad: u32
    # mapping lock held:
    map_next: u32  #: next VMA of the same mapping; 0 = last
    map_prev: u32
    reserved: Annotated[Any, ctypes.c_uint64 * 3]


@layout(size=320)
class Mm(Struct):
    """An address space. Linux: mm_struct."""

    # mms_lock held:
    users: u32  #: tasks that use it; the last one gone frees everything
    family: u32  #: equal in all mms forked from one another: whose private frames may be shared
    ctx_id: u64  #: number of this address space, never used again (ASID slots compare it)
    # mm lock held:
    tlb_gen: u64  #: counts changes that TLBs must follow; read without the lock after a fence
    map_seq: u64  #: counts changes of the VMA list
    pgd: u32  #: frame of the top table; 0 = torn down
    first_vma: u32  #: lowest VMA; 0 = none
    last_vma: u32
    nr_vmas: u32
    total_vm: u64  #: pages mapped
    data_vm: u64  #: pages private and writable, stacks excepted: RLIMIT_DATA
    stack_vm: u64  #: pages of VM_GROWSDOWN mappings
    rss_anon: u64  #: present pages private to this mm or copy-on-write
    rss_file: u64  #: present pages of page caches
    nr_tables: u64  #: frames that hold page tables
    committed: u64  #: pages charged against the commit limit by VMAs of this mm
    peak_rss: u64  #: most pages that were resident at once
    peak_vm: u64
    brk_start: u64
    brk_end: u64  #: end of the heap in bytes, not rounded
    mmap_base: u64  #: new mappings go below this
    stack_top: u64
    nr_faults: u64
    nr_cow: u64
    # each CPU writes its own byte, others read:
    cpumask: Annotated[Any, ctypes.c_uint8 * MAX_CPUS]  #: 1 = this CPU may hold translations for its current user
    reserved: Annotated[Any, ctypes.c_uint64 * 11]

    @property
    def rss(self) -> int:
        """Pages resident now."""
        return self.rss_anon + self.rss_file


@layout(size=64)
class Mapping(Struct):
    """A page cache: contents of a file, or of shared anonymous memory. Linux: address_space."""

    # mms_lock held:
    refs: u32  #: inode, open memfd or VMAs that refer to it; 0 = free
    flags: u32  #: MAP_*
    # mapping lock held:
    size: u64  #: bytes; accesses past its last page are SIGBUS
    root: u32  #: frame of the top of the index, or of page 0 itself at height 0; 0 = empty
    height: u32  #: levels of the index
    nr_pages: u64  #: frames in it
    nr_nodes: u32  #: frames that hold the index
    vmas: u32  #: first VMA that maps it
    owner: u32  #: the file system's inode; 0 = anonymous, or the file is gone
    pad: u32
    charged: u64  #: pages charged against the commit limit (shared anonymous memory)
    seq: u64  #: number of this mapping, never used again: names it in a futex key or /proc/PID/maps


MAPPING_SHMEM = 1  #: anonymous: shown as /dev/zero in maps
MAPPING_MEMFD = 2  #: shared memory to /proc/PID/status, as the former is


@layout(size=64)
class Totals(Struct):
    """The machine's own numbers. commit_lock held, except where noted."""

    committed: u64  #: pages charged
    next_ctx: u64  #: mms_lock: last ctx_id given
    next_family: u64  #: mms_lock
    next_mapping: u64  #: mms_lock
    nr_oom: u64
    reserved: Annotated[Any, ctypes.c_uint64 * 3]


@layout(size=64)
class Zone(Struct):
    """The allocator front's state; zone_lock held."""

    end: u64  #: frames of the machine
    nr_used: u64  #: frames out of the allocator: in use or on a CPU's list
    boot_used: u64  #: nr_used right after boot
    fail_every: u64  #: every Nth allocation fails; 0 = none
    poison: u64  #: 1 = freed frames are filled with junk
    reserved: Annotated[Any, ctypes.c_uint64 * 3]


mms: Table[Mm] = Table(Mm, "mms", lambda p: p.nr_tasks, words="Q")
vmas: Table[Vma] = Table(Vma, "vmas", 1 << 18)
NR_MAPPINGS = 1 << 16
mappings: Table[Mapping] = Table(Mapping, "mappings", NR_MAPPINGS)
totals: Alone[Totals] = Alone(Totals, "mm_totals")
zone: Alone[Zone] = Alone(Zone, "zone")
PCP_SIZE = 192  #: frames that one CPU's list can hold
pcp_frames = Column("pcp_frames", "I", (MAX_CPUS + 1) * PCP_SIZE)  #: the CPU whose list it is
pcp_count = Column("pcp_count", "I", MAX_CPUS + 1)  #: the CPU whose list it is


def mm_lock(mm: Mm) -> SpinLock:
    """The lock of an address space."""
    return mm_locks[mm.index]


def mapping_lock(mapping: Mapping) -> SpinLock:
    """The lock of a page cache."""
    return mapping_locks[mapping.index]
