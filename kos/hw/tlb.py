"""This CPU's TLB: which address space owns which ASID, and what the loads and stores look into.

A model (plugins/tlb_*.py) decides what is remembered and what is evicted; this module keeps the ASID slots around
it. As on Linux x86 there are six ASIDs a CPU, handed out round robin; a slot is valid if its ctx_id is the address
space's, and current if its generation is. Nothing here is shared: another CPU changes it only by an interrupt.

`hot` is what kos/runtime/memory.py looks into: a hit is hot.read[vaddr >> 12] + vaddr, an index into hot.mem.

A *window* is what somebody has found in it and kept: pages of one address space that all hit, and lie side by side in
physical memory. All windows are closed before anything is taken out of the TLB, put into it (which may evict), or
another address space is loaded. So an access through an open window is one that the TLB would have allowed. Who uses
one compares with its bounds and makes the access without a moment between the two at which interrupts could be served.
"""

from __future__ import annotations

from collections.abc import Iterator

from kos.arena.table import Column
from kos.hooks.policies import TlbModel
from kos.hw.cpu import this
from kos.hw.phys import frames
from kos.params import MAX_CPUS

NR_ASIDS = 6  #: Linux: TLB_NR_DYN_ASIDS
FULL_FLUSH_PAGES = 33  #: more pages than this: forget the whole address space (tlb_single_page_flush_ceiling)
#: [2 * cpu]: ctx_id that this CPU uses now, 0 = none; [2 * cpu + 1]: the generation that its TLB has caught up to.
#: That CPU writes. What the other CPUs can know of a TLB: guards compare it with what a shootdown promised.
reached = Column("tlb_reached", "Q", 2 * (MAX_CPUS + 1))


class Window:
    """Offsets of a mapping that may be accessed; none while it is closed. A copy, in a snapshot, is made closed."""

    __slots__ = ("delta", "high", "low", "mem")

    def __init__(self) -> None:
        self.low = 0  #: first offset
        self.high = 0  #: first offset after; 0 = closed
        self.delta = 0  #: physical address minus offset
        self.mem = hot.mem

    def take(self, low: int, high: int, delta: int) -> None:
        """Open it for low..high-1, or widen it if they lie beside it; the TLB has just hit them, nothing was polled."""
        if delta == self.delta and low == self.high and low:
            self.high = high
        elif delta == self.delta and high == self.low:
            self.low = low
        else:
            if not self.high:
                hot.windows.append(self)
                hot.has_windows = True
            self.low, self.high, self.delta, self.mem = low, high, delta, hot.mem

    def close(self) -> None:
        self.low = self.high = 0


class Hot:
    """The current address space's translations, and physical memory."""

    __slots__ = (
        "has_windows", "mapped", "mem", "mem16", "mem32", "mem64", "read", "read_runs", "windows", "write",
        "write_runs",
    )  # fmt: skip

    def __init__(self) -> None:
        self.windows: list[Window] = []  #: every one that is open
        #: virtual page -> first page after it that does not lie beside it in physical memory, too, or is not known to;
        #: for loads and for stores. Kept by kos/runtime/memory.py, and forgotten when windows are closed.
        self.read_runs: dict[int, int] = {}
        self.write_runs: dict[int, int] = {}
        self.has_windows = False  #: whether there is any of these
        self.mapped: type = Window  #: kos.stdlib.mmap_.mmap, once it is imported: see kos/compiler/stores.py
        self.read: dict[int, int] = {}  #: virtual page -> physical minus virtual address
        self.write: dict[int, int] = {}  #: the same for pages that may be stored to: writable and dirty
        self.mem: memoryview = memoryview(b"")
        self.mem16: memoryview = self.mem
        self.mem32: memoryview = self.mem
        self.mem64: memoryview = self.mem

    def close_windows(self) -> None:
        """Close all windows and forget all runs: before the TLB changes."""
        if self.has_windows:
            self.has_windows = False
            for window in self.windows:
                window.low = window.high = 0
            self.windows.clear()
            self.read_runs.clear()
            self.write_runs.clear()


hot = Hot()


class Slots:
    """The ASID slots of this CPU. asid 0 is no address space."""

    def __init__(self) -> None:
        self.model: TlbModel
        self.ctx = [0] * (NR_ASIDS + 1)  #: ctx_id that owns the ASID; 0 = nobody
        self.gen = [0] * (NR_ASIDS + 1)  #: tlb_gen that its entries have caught up to
        self.asid = 0
        self.last = 0

    def boot(self, model: TlbModel) -> None:
        """Start empty, on the frames of the machine that has just been bound."""
        self.__init__()  # type: ignore[misc]  # a fresh CPU is exactly a fresh object
        self.model = model
        for asid in range(1, NR_ASIDS + 1):
            model.flush_asid(asid)
        hot.mem = frames.mem
        hot.mem16 = frames.mem16
        hot.mem32 = frames.mem32
        hot.mem64 = frames.mem64
        hot.close_windows()
        hot.read, hot.write = {}, {}

    def load(self, ctx_id: int, gen: int) -> None:
        """Make an address space current; what its ASID remembers from before `gen` is forgotten."""
        if hot.has_windows:
            hot.close_windows()
        asid = self.ctx.index(ctx_id) if ctx_id in self.ctx else 0
        if not asid:
            asid = self.last = self.last % NR_ASIDS + 1
            self.model.flush_asid(asid)
            self.ctx[asid] = ctx_id
            self.gen[asid] = gen
        elif self.gen[asid] != gen:
            self.model.flush_asid(asid)
            self.gen[asid] = gen
        self.asid = asid
        hot.read, hot.write = self.model.open(asid)
        at, row = 2 * this.id, reached.v
        row[at] = 0  # first, or a reader could see the new address space with the old one's generation
        row[at + 1] = gen
        row[at] = ctx_id

    def unload(self) -> None:
        """No address space: every guest access misses."""
        hot.close_windows()
        self.asid = 0
        reached.v[2 * this.id] = 0
        hot.read, hot.write = {}, {}

    def catch_up(self, gen: int) -> bool:
        """Forget everything of the current address space if it is behind `gen`; says whether it was."""
        if self.gen[self.asid] == gen:
            return False
        hot.close_windows()
        self.model.flush_asid(self.asid)
        self.gen[self.asid] = reached.v[2 * this.id + 1] = gen
        return True

    def flush(self, start: int, end: int, gen: int, latest: int) -> int:
        """Bring the current address space from its generation to `gen`, for the change of start..end-1.

        latest: the mm's tlb_gen as read before. Returns pages forgotten one by one; -1: all of them; 0: nothing
        to do. Only a CPU that is exactly one behind may flush a range; otherwise it has missed a change and
        forgets everything, and one interrupt makes up for many (Linux: flush_tlb_func).
        """
        asid = self.asid
        mine = self.gen[asid]
        if gen <= mine:
            return 0
        if hot.has_windows:
            hot.close_windows()
        pages = end - start >> 12
        if gen == mine + 1 and gen == latest and pages <= FULL_FLUSH_PAGES:
            flush_page = self.model.flush_page
            if pages == 1:
                flush_page(asid, start >> 12)
            else:
                for vpn in range(start >> 12, end >> 12):
                    flush_page(asid, vpn)
            self.gen[asid] = reached.v[2 * this.id + 1] = gen
            return pages
        self.model.flush_asid(asid)
        self.gen[asid] = reached.v[2 * this.id + 1] = latest
        return -1

    def flush_page(self, vaddr: int) -> None:
        """Forget one page here: the entry gained rights, and ours still lacks them."""
        hot.close_windows()
        self.model.flush_page(self.asid, vaddr >> 12)

    def entries(self) -> Iterator[tuple[int, int, int, int, bool]]:
        """(ctx_id, generation, virtual page, delta, writable) of all that is remembered. For the audit."""
        for asid in range(1, NR_ASIDS + 1):
            if self.ctx[asid]:
                read, write = self.model.open(asid)
                for vpn, delta in {**read, **write}.items():
                    yield self.ctx[asid], self.gen[asid], vpn, delta, vpn in write


slots = Slots()
