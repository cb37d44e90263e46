"""handle_mm_fault(): what happens when an access finds no translation that allows it.

Classify under the mm lock: is there a VMA, does it allow the access, may the stack grow to it? Read the entry
again: if somebody else has resolved the fault meanwhile, there is nothing to do. Then ask the chain: the fault
handlers of plugins first, then the kernel's three: private anonymous memory (anon.py), copy-on-write (cow.py), the
page cache (filemap.py). The access is then made again, as hardware re-executes the instruction.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from kos.errors import PluginError
from kos.hw.cpu import this
from kos.hw.mmu import fill
from kos.hw.phys import frames
from kos.hw.pte import EXEC, PTE_A, PTE_D, PTE_NX, PTE_P, PTE_U, PTE_W, READ, WRITE, permits
from kos.hw.tlb import slots
from kos.mm.grow import expand
from kos.mm.page import adopt_anon
from kos.mm.pgtable import make_pte
from kos.mm.policy import active
from kos.mm.structs import VM_ANON_PAGES, VM_EXEC, VM_GROWSDOWN, VM_PROT, VM_WRITE, Mm, Vma, mm_lock
from kos.mm.vma import find_vma
from kos.params import USER_TOP
from kos.platform.host.clock import now_ns
from kos.trace.events import PAGE_FAULT

__all__ = ["EXEC", "READ", "WRITE", "Fault", "FaultResult", "handle_mm_fault", "resolve"]

_WRITTEN = PTE_P | PTE_U | PTE_W | PTE_A | PTE_D


class FaultResult(enum.Enum):
    """What became of a fault (Linux: vm_fault_t)."""

    OK = "ok"
    SIGSEGV = "segv"
    SIGBUS = "bus"
    OOM = "oom"


OK = FaultResult.OK  #: by a name of its own: through the class, Python 3.11 takes 110 ns, and a fault looks six times


class Fault:
    """One fault, as handlers see it; the mm lock is held while it lives."""

    __slots__ = ("access", "at", "entry", "kind", "mm", "vaddr", "vma")

    def __init__(self, mm: Mm, vma: Vma, vaddr: int, access: int, at: int) -> None:
        self.mm = mm
        self.vma = vma
        self.vaddr = vaddr  #: of the page
        self.access = access
        self.at = at  #: word index of the entry in physical memory
        self.entry = frames.mem64[at]  #: as read under the lock
        self.kind = ""  #: for the event: zero, zeropage, file, cow_copy, cow_reuse, spurious

    @property
    def index(self) -> int:
        """Page of the mapping's contents."""
        return self.vma.pgoff + (self.vaddr - self.vma.start >> 12)

    def set_entry(self, entry: int) -> None:
        """Give the page its (new) entry; the old one was 0 or is stale and flushed."""
        frames.mem64[self.at] = entry


def entry_bits(vma: Vma) -> int:
    """P, U and NX as a VMA's protection has them; the right to write is the handler's decision."""
    return PTE_P | PTE_U | (0 if vma.flags & VM_EXEC else PTE_NX)


def give_frame(fault: Fault, pfn: int) -> None:
    """A fresh frame becomes the page, writable, and private memory of the mm."""
    # Written out: entry_bits(), set_entry(), index and the handling of words of 64 bits take 0.4 us a fault.
    vma = fault.vma
    flags = vma.flags
    adopt_anon(pfn, fault.mm.family, vma.pgoff + (fault.vaddr - vma.start >> 12))
    if not flags & VM_ANON_PAGES:
        vma.flags = flags | VM_ANON_PAGES
    # Accessed and dirty at once (Linux: pte_mkdirty): the store that is made again would set them, by an atomic.
    entry = pfn << 12 | _WRITTEN
    frames.mem64[fault.at] = entry if flags & VM_EXEC else entry | PTE_NX


def update_peak(mm: Mm) -> None:
    """Keep the high-water mark of the resident set; mm lock held."""
    rss = mm.rss_anon + mm.rss_file
    if rss > mm.peak_rss:
        mm.peak_rss = rss


KernelHandler = Callable[[Fault], FaultResult]


class _Kernel:
    """The kernel's own handlers, by what the entry and the VMA are; filled in by boot()."""

    anon: KernelHandler
    file: KernelHandler
    write_protected: KernelHandler


kernel = _Kernel()


def handle_mm_fault(mm: Mm, vaddr: int, access: int) -> FaultResult:
    """Make the page at vaddr accessible, or say why not. No lock of rank mm or later may be held."""
    began = now_ns() if PAGE_FAULT.on else 0
    lock = mm_lock(mm)
    lock.acquire()  # no `with`, here and in kos/mm/page.py: it takes 140 ns more
    try:
        result, kind = _handle(mm, vaddr & ~4095, access)
        mm.nr_faults += 1
    finally:
        lock.release()
    block = this.block
    if result is OK:
        block.nr_fault_minor += 1
        if this.task is not None:
            this.task.min_flt += 1  # there is no disk to wait for: no fault is a major one
    elif result is FaultResult.OOM:
        block.nr_oom += 1
    if PAGE_FAULT.on:
        PAGE_FAULT(vaddr=vaddr, access=access, kind=kind, latency_ns=now_ns() - began)
    return result


def _handle(mm: Mm, vaddr: int, access: int) -> tuple[FaultResult, str]:
    if not 0 <= vaddr < USER_TOP:
        return FaultResult.SIGSEGV, "bad"
    vma = find_vma(mm, vaddr)
    if vma is None:
        return FaultResult.SIGSEGV, "bad"
    if vaddr < vma.start:
        if not vma.flags & VM_GROWSDOWN or not expand(mm, vma, vaddr):
            return FaultResult.SIGSEGV, "bad"
    flags = vma.flags
    if not flags & (VM_WRITE if access == WRITE else VM_EXEC if access == EXEC else VM_PROT):
        return FaultResult.SIGSEGV, "bad"
    at = make_pte(mm, vaddr)
    if not at:
        return FaultResult.OOM, "oom"
    fault = Fault(mm, vma, vaddr, access, at)
    for handler in active.fault:
        answer = handler.handle(fault)
        if answer is not None:
            if type(answer) is not FaultResult:
                name = str(getattr(handler, "name", type(handler).__name__))
                raise PluginError(name, "fault", f"returned {answer!r}, not a FaultResult or None")
            return answer, fault.kind or "plugin"
    if not fault.entry & PTE_P:
        result = kernel.file(fault) if vma.mapping else kernel.anon(fault)
    elif permits(fault.entry, access):
        # Somebody else was here first; our TLB may still hold what was before.
        if this.mm is mm:
            slots.flush_page(vaddr)
        this.block.nr_fault_spurious += 1
        fault.kind = "spurious"
        result = OK
    else:
        result = kernel.write_protected(fault)
    if result is OK:
        update_peak(mm)
    return result, fault.kind


def resolve(vaddr: int, access: int) -> FaultResult:
    """Get a translation for an access into this CPU's TLB. On OK nothing is polled before the caller uses it."""
    mm = this.mm
    if mm is None or not 0 <= vaddr < USER_TOP:
        return FaultResult.SIGSEGV
    this.block.nr_tlb_misses += 1
    while not fill(mm.pgd, vaddr, access):
        result = handle_mm_fault(mm, vaddr, access)
        if result is not OK:
            return result
    return OK
