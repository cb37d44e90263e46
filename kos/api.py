"""The door for plugin authors: everything that a plugin may use, and nothing else of kos.

The hooks are in kos/hooks/spec.py, the interfaces in kos/hooks/policies.py. What is named here keeps its meaning
within a version of kos; modules behind it may move.
"""

from __future__ import annotations

from kos.arena.layout import Struct, i32, i64, layout, u8, u16, u32, u64
from kos.arena.shared import Array, SharedState, array, shared
from kos.arena.table import Alone, Column
from kos.errors import GuestFault, PluginError, UsageError
from kos.hooks.marker import hookimpl
from kos.hooks.policies import (
    FaultHandler,
    ForkPolicy,
    PageAllocator,
    Scheduler,
    ShootdownProtocol,
    TlbModel,
    Transport,
)
from kos.hooks.tables import CommandTable, Options, OptionTable
from kos.hw.cpu import SUPERVISOR, Cpu, cpu_block, this
from kos.hw.ipi import FLUSH, RingTransport, poll_hooks, send_ipi
from kos.hw.mmu import find_pte
from kos.hw.phys import FIRST_PFN, Words, clear_frame, copy_frame, frames, table_view
from kos.hw.pte import (
    EXEC,
    PFN_MASK,
    PTE_A,
    PTE_COW,
    PTE_D,
    PTE_FILE,
    PTE_NX,
    PTE_P,
    PTE_SPECIAL,
    PTE_U,
    PTE_W,
    READ,
    WRITE,
    pte_pfn,
)
from kos.hw.relax import relax
from kos.mm.bulk import copy_range, share_range
from kos.mm.fault import Fault, FaultResult, entry_bits
from kos.mm.page import adopt_anon, get_page, map_page, put_page, unmap_page
from kos.mm.page_alloc import alloc_page, alloc_pages, free_page
from kos.mm.pagecache import map_if_cached
from kos.mm.pgtable import leaf_slices, make_leaf, make_pte
from kos.mm.shootdown import FlushRequest, StaleBatch, StaleEntry, flush_tlb_range, post, wait_for_acks
from kos.mm.structs import (
    VM_GROWSDOWN,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
    Mm,
    Vma,
    mappings,
    page_flags,
    page_index,
    page_mapcount,
    page_next,
    page_refcount,
)
from kos.params import MAX_CPUS, PAGE_SHIFT, PAGE_SIZE, Params
from kos.platform.host.clock import now_ns
from kos.platform.host.mailbox import PipeMailbox, QueueMailbox
from kos.sched.policy import NICE_0_WEIGHT, insert_before, push_back, queued, remove
from kos.sched.structs import RunQueue, Task, tasks
from kos.sync.spinlock import SpinLock
from kos.trace.emit import Event

__all__ = [
    "EXEC", "FIRST_PFN", "FLUSH", "MAX_CPUS", "NICE_0_WEIGHT", "PAGE_SHIFT", "PAGE_SIZE", "PFN_MASK",
    "PTE_A", "PTE_COW", "PTE_D", "PTE_FILE", "PTE_NX", "PTE_P", "PTE_SPECIAL", "PTE_U", "PTE_W",
    "READ", "SUPERVISOR", "VM_GROWSDOWN", "VM_READ", "VM_SHARED", "VM_WRITE", "WRITE",
    "Alone", "Array", "Column", "CommandTable", "Cpu", "Event", "Fault", "FaultHandler", "FaultResult", "FlushRequest",
    "ForkPolicy", "GuestFault", "Mm", "OptionTable", "Options", "PageAllocator", "Params", "PipeMailbox", "PluginError",
    "QueueMailbox", "RingTransport", "RunQueue", "Scheduler", "SharedState", "ShootdownProtocol", "SpinLock",
    "StaleBatch", "StaleEntry", "Struct", "Task", "TlbModel", "Transport", "UsageError", "Vma", "Words",
    "adopt_anon", "alloc_page", "alloc_pages", "array", "clear_frame", "copy_frame", "copy_range", "cpu_block",
    "entry_bits", "find_pte", "flush_tlb_range", "frames", "free_page", "get_page", "hookimpl", "i32", "i64",
    "insert_before", "layout", "leaf_slices", "make_leaf", "make_pte", "map_if_cached", "map_page", "mappings",
    "now_ns", "page_flags", "page_index", "page_mapcount", "page_next", "page_refcount", "poll_hooks", "post",
    "pte_pfn", "push_back", "put_page", "queued", "relax", "remove", "send_ipi", "share_range", "shared", "table_view",
    "tasks", "this", "u8", "u16", "u32", "u64", "unmap_page", "wait_for_acks",
]  # fmt: skip
