"""Guards of memory policies: fork, page allocator, fault handlers, shootdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from errno import ENOMEM
from typing import Any

import numpy as np

from kos.arena.shared import Array, SharedState, array, shared
from kos.errors import describe
from kos.hw.cpu import cpu_block, this
from kos.hw.phys import FIRST_PFN, frames
from kos.hw.pte import PFN_MASK, PTE_FILE, PTE_P, PTE_SPECIAL, PTE_W, permits
from kos.hw.tlb import reached
from kos.mm.fault import Fault, FaultResult
from kos.mm.pgtable import leaf_slices
from kos.mm.structs import PG_USED, frame_lock, page_flags, page_mapcount, page_refcount
from kos.platform.host.process import yield_core
from kos.plugin.guard import Guard

_W, _P = np.uint64(PTE_W), np.uint64(PTE_P)
_NOT_OWN = np.uint64(PTE_FILE | PTE_SPECIAL)
_SHIFT, _MASK = np.uint64(12), np.uint64(PFN_MASK)
SETTLE_TURNS = 64  #: looks at a CPU that seems behind: it may be just about to load the address space


class ForkGuard(Guard):
    """After fork no private frame is writable from two address spaces, all are counted, lost rights are flushed."""

    def __init__(self, policy: Any, plugin: str, hook: str) -> None:
        super().__init__(policy, plugin, hook)
        self._child = 0
        self._lost = 0  #: entries of the parent that lost the right to write in this fork

    def copy_range(self, old: Any, new: Any, vma: Any) -> None:
        if new.ctx_id != self._child:
            self._child, self._lost = new.ctx_id, 0
        before = {vaddr: frames.np64[at : at + n].copy() for vaddr, at, n in leaf_slices(old.pgd, vma.start, vma.end)}
        try:
            self.nothing("copy_range", self.call("copy_range", old, new, vma, may_fail=(ENOMEM,)))
        finally:
            after = {v: frames.np64[at : at + n] for v, at, n in leaf_slices(old.pgd, vma.start, vma.end)}
            for vaddr, entries in before.items():
                self._lost += int(np.count_nonzero(entries & ~after[vaddr] & _W)) if vaddr in after else 0
        for vaddr, at, n in leaf_slices(new.pgd, vma.start, vma.end):
            self._check(vaddr, frames.np64[at : at + n], "child")
        for vaddr, entries in after.items():
            self._check(vaddr, entries, "parent")

    def _check(self, vaddr: int, entries: Any, side: str) -> None:
        own = np.flatnonzero((entries & _P != 0) & (entries & _NOT_OWN == 0))
        pfns = (entries[own] >> _SHIFT & _MASK).astype(np.int64)
        with frame_lock:  # other CPUs drop their references meanwhile: both counts of one moment
            flags, maps, refs = page_flags.np[pfns], page_mapcount.np[pfns], page_refcount.np[pfns]
        writable = entries[own] & _W != 0
        for wrong, rule in (
            (flags & PG_USED == 0, "the {side} maps frame {pfn}, which is free"),
            (writable & (maps > 1), "frame {pfn} is writable by the {side} and mapped elsewhere too ({maps} times)"),
            (
                (maps == 0) | (refs < maps),
                "frame {pfn} is mapped by the {side}, with {refs} references and mapcount {maps}",
            ),
        ):
            at = np.flatnonzero(wrong)
            if len(at):
                k = int(at[0])
                text = rule.format(side=side, pfn=int(pfns[k]), maps=int(maps[k]), refs=int(refs[k]))
                self.blame("copy_range", f"{vaddr + (int(own[k]) << 12):#x}: {text}")

    def must_flush(self) -> bool:
        answer = self.call("must_flush")
        self.expect("must_flush", answer, bool)
        if self._lost and not answer:
            self.blame(
                "must_flush",
                f"returned False, but {self._lost} entries of the parent lost the right to write: "
                "other CPUs may still hold them as writable",
            )
        return bool(answer)


@shared(lock="zone")
class HandedOut(SharedState):
    """Which frames a guarded allocator has given away."""

    out: Array = array("B", lambda params: params.nr_frames)  #: 1 = given and not taken back


class AllocGuard(Guard):
    """A frame is given once until it is taken back, and taken back only if it was given."""

    state = HandedOut()  #: declared with the plugin's own state

    def boot(self, first: int, end: int) -> None:
        self._end = end
        self.nothing("boot", self.call("boot", first, end))

    def alloc(self, order: int) -> int:
        pfn = self.call("alloc", order)
        self.expect("alloc", pfn, int)
        if pfn:
            if pfn & ((1 << order) - 1):
                self.blame("alloc", f"gave frame {pfn} for order {order}: not aligned")
            self._give("alloc", range(pfn, pfn + (1 << order)))
        return int(pfn)

    def free(self, pfn: int, order: int) -> None:
        self._take("free", range(pfn, pfn + (1 << order)))
        self.nothing("free", self.call("free", pfn, order))

    def alloc_bulk(self, count: int) -> list[int]:
        got = self.call("alloc_bulk", count)
        self.expect("alloc_bulk", got, list)
        if len(got) > count:
            self.blame("alloc_bulk", f"gave {len(got)} frames, asked for {count}")
        self._give("alloc_bulk", got)
        return list(got)

    def free_bulk(self, pfns: Sequence[int]) -> None:
        self._take("free_bulk", pfns)
        self.nothing("free_bulk", self.call("free_bulk", pfns))

    def nr_free(self) -> int:
        n = self.call("nr_free")
        self.expect("nr_free", n, int)
        if not 0 <= n <= frames.nr:
            self.blame("nr_free", f"returned {n}, the machine has {frames.nr} frames")
        return int(n)

    def free_frames(self) -> Iterable[int]:
        named = self.call("free_frames")
        if not isinstance(named, Iterable):
            self.blame("free_frames", f"returned {named!r}, expected frame numbers")
        for pfn in self._each("free_frames", named):
            self._check_number("free_frames", pfn)
            if self.state.out[pfn]:
                self.blame("free_frames", f"names frame {pfn}, which is handed out")
            yield pfn

    def _each(self, method: str, found: Iterable[Any]) -> Iterator[Any]:
        """What an iterable of the plugin's gives, which may be a generator of its own."""
        it = iter(found)
        while True:
            try:
                item = next(it)
            except StopIteration:
                return
            except Exception as e:
                self.blame(method, f"raised {describe(e)}", e)
            yield item

    def _check_number(self, method: str, pfn: Any) -> None:
        if type(pfn) is not int:
            self.blame(method, f"gave {pfn!r}, expected an int")
        if not FIRST_PFN <= pfn < frames.nr:
            self.blame(method, f"gave frame {pfn}, the machine's are {FIRST_PFN} to {frames.nr - 1}")

    def _give(self, method: str, pfns: Iterable[int]) -> None:
        out = self.state.out
        for pfn in pfns:
            self._check_number(method, pfn)
            if out[pfn]:
                self.blame(method, f"frame {pfn} handed out twice")
            out[pfn] = 1

    def _take(self, method: str, pfns: Iterable[int]) -> None:
        out = self.state.out
        for pfn in pfns:
            if not out[pfn]:
                self.blame(method, f"double free: frame {pfn} is not handed out")
            out[pfn] = 0


class GuardedFault(Fault):
    """A fault whose entry cannot be replaced while the old one is live."""

    __slots__ = ("gen", "guard")

    def __init__(self, fault: Fault, guard: FaultGuard) -> None:
        for name in Fault.__slots__:
            setattr(self, name, getattr(fault, name))
        self.gen = fault.mm.tlb_gen
        self.guard = guard

    def set_entry(self, entry: int) -> None:
        old = self.entry
        if old & PTE_P and old >> 12 & PFN_MASK != entry >> 12 & PFN_MASK and self.mm.tlb_gen == self.gen:
            self.guard.blame(
                "handle",
                f"{self.vaddr:#x}: an entry for frame {entry >> 12 & PFN_MASK} is set while the stale one for frame "
                f"{old >> 12 & PFN_MASK} is live: clear it and flush it first (StaleEntry)",
            )
        super().set_entry(entry)


class FaultGuard(Guard):
    """OK means that the access goes through now, and that nobody is left with an old translation."""

    def handle(self, fault: Fault) -> FaultResult | None:
        gen = fault.mm.tlb_gen
        shown = GuardedFault(fault, self)
        answer: FaultResult | None = self.call("handle", shown)
        fault.kind = shown.kind
        now = frames.mem64[fault.at]
        if answer is None:
            if (now ^ fault.entry) & ~0x60 and fault.mm.tlb_gen == gen:
                self.blame("handle", f"{fault.vaddr:#x}: returned None (not mine), but changed the entry")
            return None
        self.expect("handle", answer, FaultResult)
        if answer is not FaultResult.OK:
            return answer
        if not permits(now, fault.access):
            self.blame("handle", f"{fault.vaddr:#x}: returned OK, but the entry does not permit the access")
        pfn = now >> 12 & PFN_MASK
        old = fault.entry
        if old & PTE_P and (old >> 12 & PFN_MASK != pfn or old & ~now & PTE_W) and fault.mm.tlb_gen == gen:
            self.blame("handle", f"{fault.vaddr:#x}: the entry was replaced without a flush of the stale one")
        if not now & PTE_SPECIAL:
            if not page_flags.v[pfn] & PG_USED:
                self.blame("handle", f"{fault.vaddr:#x}: maps frame {pfn}, which is free")
            if not page_mapcount.v[pfn] or page_refcount.v[pfn] < page_mapcount.v[pfn]:
                self.blame("handle", f"{fault.vaddr:#x}: maps frame {pfn} without counting it")
            if now & PTE_W and not now & PTE_FILE and page_mapcount.v[pfn] > 1:
                self.blame("handle", f"{fault.vaddr:#x}: frame {pfn} is writable here and mapped elsewhere too")
        return answer


class GuardedStale:
    """The stale entries that a shootdown protocol may take over: released once, and not before all have flushed."""

    def __init__(self, stale: Any, request: Any, guard: ShootdownGuard) -> None:
        self._stale = stale
        self._mm, self._ctx, self._gen = request.mm, request.mm.ctx_id, request.gen
        self._guard = guard
        self._released = False
        self.start, self.end, self.count, self.mm = stale.start, stale.end, stale.count, stale.mm

    def release(self) -> None:
        if self._released:
            self._guard.blame("flush", "stale.release() called twice: its frames are freed already")
        self._released = True
        late = self._guard.who_is_behind(range(this.nr_cpus), self._ctx, self._gen)
        if late:
            self._guard.blame("flush", f"stale.release() frees frames before cpu {late[0]} has flushed them")
        self._stale.release()


class ShootdownGuard(Guard):
    """When flush() says that it is done, no CPU can use an old translation."""

    def flush(self, request: Any, stale: Any) -> bool:
        shown = None if stale is None else GuardedStale(stale, request, self)
        done = self.call("flush", request, shown)
        self.expect("flush", done, bool)
        if not done:
            if not request.may_defer or stale is None:
                self.blame("flush", f"returned False for a flush that may not be deferred ({request.reason})")
            return False
        if shown is not None and shown._released:
            self.blame("flush", "called stale.release() and returned True: the kernel would free its frames again")
        late = self.who_is_behind(request.targets, request.mm.ctx_id, request.gen)
        if late:
            self.blame("flush", f"returned True, but cpu {late[0]} has not flushed {request.start:#x}-{request.end:#x}")
        return True

    def poll(self) -> None:
        """Where the protocol has one."""
        self.call("poll")

    def who_is_behind(self, cpus: Iterable[int], ctx_id: int, gen: int) -> list[int]:
        """The CPUs that run this address space and have not reached a generation.

        A CPU that has just left lazy mode has not caught up yet, and will before it touches memory: look again.
        """
        late = [c for c in cpus if c != this.id and _is_behind(c, ctx_id, gen)]
        turns = 0
        while late and turns < SETTLE_TURNS:
            yield_core()
            turns += 1
            late = [c for c in late if _is_behind(c, ctx_id, gen)]
        return late


def _is_behind(cpu: int, ctx_id: int, gen: int) -> bool:
    at = 2 * cpu
    words = reached.v
    if words[at] != ctx_id or words[at + 1] >= gen or cpu_block(cpu).lazy:
        return False
    return bool(words[at] == ctx_id)  # it did not change address spaces between the two loads
