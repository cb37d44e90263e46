"""TLB shootdown: flush_tlb_range(), and the stale entries that own frames until it is done.

Who changes an entry of a live address space to something less must make every CPU forget the old translation
before the frame may be used again. That cannot be forgotten here: clearing or downgrading an entry goes with a
StaleBatch, which owns the references of the old entries. invalidate() flushes and then drops them; a batch that
is collected with entries in it, not invalidated, stops the machine.

The order, mm lock held: entries first, then tlb_gen, then a fence, then a look at who uses the mm. A CPU that
loads the mm sets its byte in the cpumask, fences, and reads tlb_gen: one of the two sees the other. A CPU that
idles (lazy) is not waited for: it looks at tlb_gen again before it touches user memory. An acknowledgement is a
store into a word that only the acknowledging CPU writes. Linux: arch/x86/mm/tlb.c.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kos.arena.layout import Struct, layout, u64, word_index
from kos.arena.table import Column, Table
from kos.errors import KernelBug
from kos.hw import ipi
from kos.hw.cpu import LAZY, cpu_block, this
from kos.hw.phys import Words, pfns_of
from kos.hw.pte import PFN_MASK, PTE_SPECIAL
from kos.hw.relax import host_cores, relax
from kos.hw.tlb import slots
from kos.mm.page import unmap_page, unmap_pages
from kos.mm.page_alloc import free_pages
from kos.mm.policy import active
from kos.mm.structs import Mm, page_refcount
from kos.params import MAX_CPUS
from kos.platform.host.atomic import fence
from kos.platform.host.clock import now_ns
from kos.platform.host.process import yield_core
from kos.trace.events import SHOOTDOWN, TLB_FLUSH
from kos.trace.histogram import shootdowns as shootdown_latency

_ROW = MAX_CPUS + 1
_CPUMASK = word_index(Mm, "cpumask")  # CPUs 0 to 7 have their bytes in it
NUDGE_NS = 2_000_000  #: a CPU that has not acknowledged for so long is interrupted by the host
LOST_NS = 1_000_000_000  #: a CPU that polls so long after it was first seen has lost the request
SPINS = 100  #: looks at the acknowledgements, 60 ns each, before the host core is yielded (600 ns) for the first time
FULL = (0, 1 << 47)  #: the range that stands for everything


@layout(size=64)
class FlushSlot(Struct):
    """What one CPU asks of the others; that CPU writes it, and only while nobody is to answer."""

    seq: u64  #: number of this request; 0 = none yet
    done: u64  #: the last request that is complete
    mm: u64  #: slot
    ctx_id: u64
    start: u64  #: bytes
    end: u64
    gen: u64  #: tlb_gen that this change made
    reserved: u64


flush_slots: Table[FlushSlot] = Table(FlushSlot, "flush_slots", MAX_CPUS + 2, words="Q")  #: slot cpu + 1
_SEQ, _DONE, _MM, _CTX, _START, _END, _GEN = (
    word_index(FlushSlot, field) for field in ("seq", "done", "mm", "ctx_id", "start", "end", "gen")
)
flush_acks = Column("flush_acks", "Q", _ROW * _ROW)  #: [initiator, target]: last seq acknowledged; target writes
flush_ack_ns = Column("flush_ack_ns", "Q", _ROW * _ROW)  #: when; target writes


class FlushRequest:
    """One shootdown, as a ShootdownProtocol sees it. Addresses in bytes."""

    __slots__ = ("began_ns", "end", "gen", "may_defer", "mm", "pages", "reason", "seq", "start", "targets")

    def __init__(
        self, mm: Mm, start: int, end: int, pages: int, reason: str, gen: int, targets: list[int], defer: bool = False
    ) -> None:
        self.mm = mm
        self.start = start
        self.end = end
        self.pages = pages  #: entries that lost something
        self.reason = reason
        self.gen = gen
        self.targets = targets  #: CPUs that may hold translations and run
        self.may_defer = defer  #: entries are gone for good, and nothing relies on their absence
        self.seq = 0
        self.began_ns = now_ns()


def no_nudge(cpu: int) -> None:
    """Until the machine says how a CPU that does not answer is interrupted."""


class _Hooks:
    nudge: Callable[[int], None] = staticmethod(no_nudge)


hooks = _Hooks()


def flush_tlb_range(
    mm: Mm, start: int, end: int, reason: str, pages: int = 0, stale: StaleBatch | None = None, defer: bool = False
) -> bool:
    """Make every CPU forget start..end-1 of an address space; mm lock held, entries already changed.

    Returns True when it is done; False when the protocol has taken `stale` over (only with `defer`).
    """
    gen = mm.tlb_gen + 1
    mm.tlb_gen = gen
    fence()
    block = this.block
    me = this.id
    if this.mm is mm and slots.ctx[slots.asid] == mm.ctx_id:
        n = slots.flush(start, end, gen, gen)
        if n < 0:
            block.nr_flush_all += 1
        else:
            block.nr_flush_pages += n
        if TLB_FLUSH.on:
            TLB_FLUSH(reason=reason, pages=n)
    if this.nr_cpus <= 8 and not mm.words[_CPUMASK] & ~(0xFF << 8 * me):
        return True  # nobody but us: one word tells it
    mask = bytes(mm.cpumask)
    targets = [c for c in range(this.nr_cpus) if mask[c] and c != me and not cpu_block(c).lazy]
    if not targets:
        return True
    request = FlushRequest(mm, start, end, pages or end - start >> 12, reason, gen, targets, defer)
    done = active.shootdown.flush(request, stale)
    latency = now_ns() - request.began_ns
    block.nr_shootdowns += 1
    shootdown_latency.record(me, latency)
    if SHOOTDOWN.on:
        acks = {c: max(0, flush_ack_ns.v[me * _ROW + c] - request.began_ns) for c in targets} if request.seq else {}
        SHOOTDOWN(initiator=me, targets=targets, reason=reason, pages=request.pages, acks_ns=acks, latency_ns=latency)
    return done


def flush_tlb_mm(mm: Mm, reason: str, pages: int = 0) -> None:
    """Make every CPU forget an address space."""
    flush_tlb_range(mm, *FULL, reason, pages)


# --- the parts that protocols are made of ---------------------------------------------------------------------


def post(request: FlushRequest) -> int:
    """Write the request where its targets look; returns its number. One at a time per CPU.

    The number is stored last: a target that was told of it by a message finds all the rest.
    """
    slot = flush_slots[this.id + 1].words
    seq = slot[_SEQ]
    if seq != slot[_DONE]:
        raise KernelBug(f"cpu {this.id} starts a shootdown while its last one is not complete")
    mm = request.mm
    slot[_MM] = mm.index
    slot[_CTX] = mm.ctx_id
    slot[_START] = request.start
    slot[_END] = request.end
    slot[_GEN] = request.gen
    seq += 1
    slot[_SEQ] = request.seq = seq
    return seq


def wait_for_acks(request: FlushRequest) -> None:
    """Until every target has acknowledged: serve interrupts, yield the host core, nudge who is late.

    Where every CPU has a core of the host the core is not yielded at once: the targets run, and answer soon.
    """
    row = this.id * _ROW
    acks = flush_acks.v
    seq = request.seq
    targets = request.targets
    if not host_cores.is_crowded:
        turns = SPINS
        for c in targets:
            while acks[row + c] != seq and turns:
                turns -= 1
                if this.interrupted:
                    ipi.poll_ipis()
        if turns:
            targets = []
    waiting = [c for c in targets if acks[row + c] != seq] if targets else targets
    turns = 0
    first_beat: dict[int, int] = {}  # of a CPU that is late: seen to live after the request
    nudge_at = request.began_ns + NUDGE_NS
    while waiting:
        relax()
        waiting = [c for c in waiting if acks[row + c] != seq]
        turns += 1
        if waiting and not turns & 15 and now_ns() > nudge_at:
            nudge_at = now_ns() + NUDGE_NS
            for c in waiting:
                # The first beat after the request may come before the poll that serves it, the next one cannot.
                beat = cpu_block(c).heartbeat
                if beat > request.began_ns and beat > first_beat.setdefault(c, beat) + LOST_NS:
                    ipi.blame_transport(c)
                    raise KernelBug(
                        f"cpu {c} serves its interrupts, but never acknowledged flush {seq} of cpu {this.id}"
                    )
                hooks.nudge(c)
    flush_slots[this.id + 1].words[_DONE] = seq


def on_flush(sender: int, seq: int, b: int, c: int) -> None:
    """Vector FLUSH, on a target: forget, acknowledge, and let the others have the core until all have."""
    slot = flush_slots[sender + 1].words
    if slot[_SEQ] != seq:
        raise KernelBug(f"cpu {this.id}: flush request {seq} of cpu {sender} came after it was complete")
    n = 0
    # Its ctx_id names an address space for ever; asid 0, no address space, has 0.
    if slot[_CTX] == slots.ctx[slots.asid] != 0 and not this.block.words[LAZY]:
        n = slots.flush(slot[_START], slot[_END], slot[_GEN], this.mm.tlb_gen)
    at = sender * _ROW + this.id
    if SHOOTDOWN.on:
        flush_ack_ns.v[at] = now_ns()
    flush_acks.v[at] = seq
    # The initiator waits no longer: what only we want to know comes after.
    if n < 0:
        this.block.nr_flush_all += 1
    elif n:
        this.block.nr_flush_pages += n
    # More CPUs than cores: the rest of the targets need ours. Bounded, and over as soon as anyone wants us,
    # so that two CPUs that shoot at each other never wait for each other here.
    if host_cores.is_crowded:
        for _ in range(64):
            if slot[_DONE] == seq or slot[_SEQ] != seq or this.interrupted:
                break
            yield_core()


# --- stale entries ----------------------------------------------------------------------------------------------


_dropped: list[str] = []


def take_dropped() -> str | None:
    """The mistake of whoever has just run, if it dropped stale entries; it is forgotten here."""
    return _dropped.pop() if _dropped else None


def check_dropped() -> None:
    """Poll hook: stop the machine if stale entries were dropped without invalidation."""
    if _dropped:
        raise KernelBug(_dropped[0])


class StaleBatch:
    """Old entries of one address space that TLBs may still hold; owns their references to frames.

    Made and filled with the mm lock held. pages without a frame of their own (the zero page) and entries that only
    lost rights are noted by their address alone.
    """

    __slots__ = ("_arrays", "_closed", "_pfns", "_tables", "count", "end", "mm", "start")

    def __init__(self, mm: Mm) -> None:
        self.mm = mm
        self.start = 1 << 63
        self.end = 0
        self.count = 0  #: entries that lost something
        self._pfns: list[int] = []
        self._arrays: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        self._tables: list[int] = []
        self._closed = False

    def _note(self, start: int, end: int, count: int) -> None:
        if start < self.start:
            self.start = start
        if end > self.end:
            self.end = end
        self.count += count

    def add(self, vaddr: int, entry: int) -> None:
        """One entry that was cleared or replaced."""
        self._note(vaddr, vaddr + 4096, 1)
        if not entry & PTE_SPECIAL:
            self._pfns.append(entry >> 12 & PFN_MASK)

    def add_many(self, vaddr: int, length: int, entries: Words) -> None:
        """Entries of a stretch that was cleared; entries: a copy of those that were not 0."""
        if len(entries):
            self._note(vaddr, vaddr + length, len(entries))
            owned = entries[entries & np.uint64(PTE_SPECIAL) == 0]
            self._arrays.append(pfns_of(owned))

    def add_downgrade(self, vaddr: int, length: int, count: int) -> None:
        """Entries that stay but lost rights."""
        if count:
            self._note(vaddr, vaddr + length, count)

    def add_table(self, pfn: int) -> None:
        """A leaf table that was unhooked: a walk may be on it."""
        self._tables.append(pfn)

    def invalidate(self, reason: str, defer: bool = False) -> None:
        """Flush every CPU, then let the frames go. defer: the protocol may do so later (unmapping only)."""
        if not self.count and not self._tables:
            self._closed = True
            return
        self._closed = True
        start, end = (self.start, self.end) if not self._tables else FULL
        if flush_tlb_range(self.mm, start, end, reason, self.count, self, defer and not self._tables):
            self.release()

    def release(self) -> None:
        """Drop the references: no CPU can use the old entries any more."""
        if len(self._pfns) == 1:
            unmap_page(self._pfns[0])
        elif self._pfns:
            unmap_pages(np.array(self._pfns, dtype=np.int64))
        if self._arrays:
            unmap_pages(np.concatenate(self._arrays))
        for table in self._tables:
            page_refcount.v[table] = 0
        if self._tables:
            free_pages(self._tables)
        self._pfns = []
        self._arrays = []
        self._tables = []

    def __del__(self) -> None:
        if not self._closed and self.count:
            _dropped.append(
                f"{self.count} stale entries of {self.start:#x}-{self.end:#x} dropped without a TLB invalidation"
            )
            this.pending[0] = 1


class StaleEntry(StaleBatch):
    """One old entry."""

    __slots__ = ()

    def __init__(self, mm: Mm, vaddr: int, entry: int) -> None:
        # Not through super() and add(): one is made for each page that is copied.
        self.mm = mm
        self.start = vaddr
        self.end = vaddr + 4096
        self.count = 1
        self._pfns = [] if entry & PTE_SPECIAL else [entry >> 12 & PFN_MASK]
        self._arrays = []
        self._tables = []
        self._closed = False


def boot() -> None:
    """Fill in the vector and the poll hook; before the CPUs are forked."""
    ipi.vectors[ipi.FLUSH] = on_flush
    if check_dropped not in ipi.poll_hooks:
        ipi.poll_hooks.append(check_dropped)
    _dropped.clear()
