"""The page walk and the TLB: what hardware sets, remembers and forgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mm_box import Segv

from kos.audit.tlbs import audit_tlb
from kos.hw.mmu import find_leaf, find_pte
from kos.hw.phys import ZERO_PFN, frames
from kos.hw.pte import PTE_A, PTE_D, PTE_P, PTE_W, pte_pfn
from kos.hw.tlb import NR_ASIDS, hot, slots
from kos.mm import switch
from kos.mm.mm import mm_alloc
from kos.mm.mmap import MAP_ANONYMOUS, MAP_PRIVATE, do_mmap, do_munmap
from kos.mm.mprotect import do_mprotect
from kos.mm.pgtable import find_directory
from kos.runtime import memory
from kos_plugins.tlb_setassoc import SetAssociative

P = 4096
ANON = MAP_PRIVATE | MAP_ANONYMOUS


def entry(mm: Any, vaddr: int) -> int:
    at = find_pte(mm.pgd, vaddr)
    return frames.mem64[at] if at else 0


def test_accessed_and_dirty_are_set_by_the_access_that_needs_them(box: Any) -> None:
    mm = box.new_mm()
    a = do_mmap(mm, 0, 2 * P, 3, ANON)
    assert entry(mm, a) == 0
    memory.load8(a)
    e = entry(mm, a)
    assert (pte_pfn(e), e & (PTE_P | PTE_W | PTE_A | PTE_D)) == (ZERO_PFN, PTE_P | PTE_A)
    memory.store8(a, 1)
    assert entry(mm, a) & (PTE_W | PTE_A | PTE_D) == PTE_W | PTE_A | PTE_D
    frames.mem64[find_pte(mm.pgd, a)] &= ~(PTE_A | PTE_D)
    slots.flush_page(a)
    memory.load8(a)
    assert entry(mm, a) & (PTE_A | PTE_D) == PTE_A
    assert a >> 12 not in hot.write
    memory.store8(a, 2)
    assert entry(mm, a) & PTE_D
    box.drop(mm)


def test_a_hit_does_not_walk(box: Any) -> None:
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    memory.store8(a, 1)
    misses = slots_misses()
    for _ in range(100):
        memory.store8(a, memory.load8(a) + 1)
    assert (slots_misses(), memory.load8(a)) == (misses, 101)
    box.drop(mm)


def slots_misses() -> int:
    from kos.hw.cpu import this

    return this.block.nr_tlb_misses


def test_the_write_bits_of_all_levels_count(box: Any) -> None:
    """On-demand fork write-protects a whole leaf table by one bit above it."""
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    memory.store8(a, 1)
    at = find_directory(mm.pgd, a)
    frames.mem64[at] &= ~PTE_W
    slots.flush_page(a)
    assert memory.load8(a) == 1
    assert a >> 12 in hot.read and a >> 12 not in hot.write
    frames.mem64[at] |= PTE_W
    memory.store8(a, 2)
    box.drop(mm)


@pytest.mark.parametrize("vaddr", [0, 1, 4095, 1 << 47, (1 << 47) - 1, 1 << 63, (1 << 64) - 1, -1])
def test_addresses_that_are_not_mapped_are_a_segv(box: Any, vaddr: int) -> None:
    mm = box.new_mm()
    for access in (memory.load8, memory.load64, lambda v: memory.store8(v, 1), lambda v: memory.store(v, b"abc")):
        with pytest.raises(Segv):
            access(vaddr)
    box.drop(mm)


def test_an_access_across_pages_reaches_both(box: Any) -> None:
    mm = box.new_mm()
    a = do_mmap(mm, 0, 3 * P, 3, ANON)
    memory.store64(a + P - 3, 0x1122334455667788)
    memory.store32(a + 2 * P - 2, 0xAABBCCDD)
    memory.store16(a + P - 1, 0xFFEE)
    assert memory.load(a + P - 3, 8) == bytes.fromhex("8877eeff44332211")
    assert memory.load32(a + 2 * P - 2) == 0xAABBCCDD
    do_mprotect(mm, a + P, P, 1)
    with pytest.raises(Segv):
        memory.store(a + P - 2, b"----")
    assert memory.load(a + P - 2, 2) == b"--"
    box.drop(mm)


def test_a_set_holds_as_many_pages_as_it_has_ways() -> None:
    tlb = SetAssociative(entries=8, ways=2)  # 4 sets
    read, write = tlb.open(1)
    for vpn in (0, 4, 8):
        tlb.insert(1, vpn, vpn, True)
    assert (sorted(read), sorted(write)) == ([4, 8], [4, 8])
    tlb.insert(2, 12, 0, False)
    assert (sorted(read), sorted(tlb.open(2)[0]), tlb.open(2)[1]) == ([8], [12], {})
    tlb.flush_asid(1)
    tlb.insert(2, 16, 0, True)
    tlb.insert(2, 12, 0, True)
    assert (sorted(read), sorted(tlb.open(2)[0])) == ([], [12, 16])
    assert tlb.open(1)[0] is read


def test_an_address_space_keeps_its_entries_over_a_switch_until_its_asid_is_taken(
    make_box: Callable[..., Any],
) -> None:
    box = make_box(tlb=(256, 8))
    spaces = []
    places = []
    for n in range(NR_ASIDS + 1):
        mm = box.new_mm()
        spaces.append(mm)
        places.append(do_mmap(mm, 0, P, 3, ANON))
        memory.store8(places[-1], n)
    switch.load_mm(spaces[1])
    assert places[1] >> 12 in hot.write
    switch.load_mm(spaces[0])  # the seventh took its ASID
    assert hot.read == {}
    assert memory.load8(places[0]) == 0
    box.drop(*spaces)


def test_a_change_made_while_away_or_lazy_is_caught_up_with(box: Any) -> None:
    a_space = box.new_mm()
    a = do_mmap(a_space, 0, P, 3, ANON)
    memory.store8(a, 1)
    b_space = mm_alloc()
    switch.load_mm(b_space)
    do_munmap(a_space, a, P)
    switch.load_mm(a_space)
    assert hot.read == {}
    b = do_mmap(a_space, 0, P, 3, ANON)
    memory.store8(b, 1)
    switch.enter_lazy()
    slots.gen[slots.asid] -= 1  # as if another CPU had counted up, and left this one alone
    switch.leave_lazy()
    assert hot.read == {}
    box.drop(a_space, b_space)


def test_the_audit_sees_a_tlb_that_kept_too_much(box: Any) -> None:
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    memory.store8(a, 1)
    assert audit_tlb() == []
    at = find_pte(mm.pgd, a)
    e = frames.mem64[at]
    frames.mem64[at] = e & ~PTE_W
    assert "writable" in audit_tlb()[0]
    frames.mem64[at] = e
    box.drop(mm)


def test_a_stretch_without_tables_has_no_leaf(box: Any) -> None:
    mm = box.new_mm()
    assert (find_leaf(mm.pgd, 1 << 40), find_pte(mm.pgd, 123)) == (0, 0)
    box.drop(mm)
