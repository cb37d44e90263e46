"""Which address space this CPU uses: load_mm() at a task switch, lazy mode while it idles.

The order in load_mm is half of a protocol (the other half is flush_tlb_range): our byte in the cpumask, a fence,
then tlb_gen. Whoever changes the tables stores tlb_gen, fences, then reads the cpumask; so either we see the new
generation or they see us. Lazy mode is the same with the lazy word. Linux: switch_mm_irqs_off(), enter_lazy_tlb().
"""

from __future__ import annotations

from kos.hw.cpu import this
from kos.hw.tlb import slots
from kos.mm.structs import Mm
from kos.platform.host.atomic import fence


def load_mm(mm: Mm | None) -> None:
    """Use an address space from now on; None, or the blank slot 0: none, every guest access faults."""
    if this.block.lazy:
        leave_lazy()
    if mm is not None and not mm.index:
        mm = None
    old = this.mm
    if old is mm and (mm is None or slots.ctx[slots.asid] == mm.ctx_id):
        return
    if old is not None:
        old.cpumask[this.id] = 0
    this.mm = mm
    if mm is None:
        slots.unload()
        this.block.mm = this.block.asid = 0
        return
    mm.cpumask[this.id] = 1
    fence()
    slots.load(mm.ctx_id, mm.tlb_gen)
    this.block.mm = mm.index
    this.block.asid = slots.asid


def enter_lazy() -> None:
    """This CPU idles: it touches no user memory until leave_lazy(), so nobody need wait for its TLB."""
    this.block.lazy = 1


def leave_lazy() -> None:
    """Before user memory is touched again: catch up with what was flushed meanwhile."""
    this.block.lazy = 0
    fence()
    mm = this.mm
    if mm is None:
        return
    if slots.ctx[slots.asid] != mm.ctx_id:  # the address space died, its slot may serve another
        mm.cpumask[this.id] = 0
        this.mm = None
        slots.unload()
        this.block.mm = this.block.asid = 0
    elif slots.catch_up(mm.tlb_gen):
        this.block.nr_flush_all += 1
