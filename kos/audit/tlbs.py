"""Rule 4: no TLB is more permissive than the page table. Each CPU audits its own: a TLB lives in its process."""

from __future__ import annotations

from kos.hw.cpu import this
from kos.hw.mmu import find_pte
from kos.hw.phys import frames
from kos.hw.pte import PTE_A, PTE_D, PTE_W, READ, permits, pte_pfn, show
from kos.hw.tlb import slots
from kos.mm.structs import mms

SHOWN = 5


def audit_tlb() -> list[str]:
    """Problems found in this CPU's TLB. Entries of a generation that is out of date are dead: not looked at."""
    alive = {mm.ctx_id: mm for mm in mms.used() if mm.pgd}
    problems = []
    for ctx_id, gen, vpn, delta, writable in slots.entries():
        mm = alive.get(ctx_id)
        if mm is None or gen != mm.tlb_gen:
            continue
        at = find_pte(mm.pgd, vpn << 12)
        entry = frames.mem64[at] if at else 0
        pfn = (vpn << 12) + delta >> 12
        where = f"cpu {this.id}: TLB entry of mm {mm.index}, page {vpn:#x}, frame {pfn}"
        if not permits(entry, READ):
            problems.append(f"{where}: the page table has no such page ({show(entry)})")
        elif pte_pfn(entry) != pfn:
            problems.append(f"{where}: the page table has frame {pte_pfn(entry)}")
        elif writable and not (entry & PTE_W and entry & PTE_D):
            problems.append(f"{where}: writable, the page table says {show(entry)}")
        elif not entry & PTE_A:
            problems.append(f"{where}: the page table says never accessed")
        if len(problems) >= SHOWN:
            break
    return problems
