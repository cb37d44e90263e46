"""mmap, munmap, brk, stacks and limits: what Linux does."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from mm_box import Segv

from kos.errors import GuestFault, KernelBug
from kos.hw import ipi
from kos.hw.cpu import this
from kos.mm import limits, switch, views
from kos.mm.brk import do_brk
from kos.mm.dup import dup_mm
from kos.mm.limits import Limits
from kos.mm.madvise import MADV_DONTFORK, MADV_FREE, do_madvise
from kos.mm.mm import HEAP_START
from kos.mm.mmap import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_GROWSDOWN,
    MAP_NORESERVE,
    MAP_PRIVATE,
    do_mmap,
    do_munmap,
)
from kos.mm.mprotect import do_mprotect
from kos.mm.mremap import do_mremap
from kos.mm.shootdown import StaleBatch, check_dropped
from kos.mm.stack import setup_stack, setup_thread_stack
from kos.mm.structs import Mm, totals
from kos.mm.vma import for_each_vma
from kos.params import USER_TOP
from kos.runtime import memory

P = 4096
ANON = MAP_PRIVATE | MAP_ANONYMOUS


def errno_of(call: Callable[..., object], *args: object) -> str:
    with pytest.raises(GuestFault) as e:
        call(*args)
    return errno.errorcode[e.value.errno]


def areas(mm: Mm, base: int) -> list[tuple[int, int, str]]:
    """VMAs as (first page, pages, rights) from base on."""
    return [(m.start - base >> 12, m.end - m.start >> 12, m.perms) for m in views.maps(mm)]


def test_neighbours_merge_and_holes_split(box: Any) -> None:
    mm = box.new_mm()
    a = do_mmap(mm, 0, 9 * P, 3, ANON)
    do_mprotect(mm, a + 3 * P, 3 * P, 1)
    assert areas(mm, a) == [(0, 3, "rw-p"), (3, 3, "r--p"), (6, 3, "rw-p")]
    do_munmap(mm, a + 4 * P, P)
    assert areas(mm, a) == [(0, 3, "rw-p"), (3, 1, "r--p"), (5, 1, "r--p"), (6, 3, "rw-p")]
    do_mmap(mm, a + 4 * P, P, 1, ANON | MAP_FIXED)
    assert areas(mm, a)[2] == (4, 1, "r--p")  # not charged, as its neighbours are: no merge on Linux, too
    do_mprotect(mm, a, 9 * P, 3)
    assert areas(mm, a) == [(0, 9, "rw-p")]
    assert do_mmap(mm, 0, P, 3, ANON) == a - P  # top-down, and one with its neighbour
    assert areas(mm, a) == [(-1, 10, "rw-p")]
    box.drop(mm)


def test_bad_arguments_have_linux_errnos(box: Any) -> None:
    mm = box.new_mm()
    a = do_mmap(mm, 0, 4 * P, 3, ANON)
    assert errno_of(do_mmap, mm, 0, 0, 3, ANON) == "EINVAL"
    assert errno_of(do_mmap, mm, 0, P, 3, MAP_ANONYMOUS) == "EINVAL"
    assert errno_of(do_mmap, mm, 0, 1 << 50, 3, ANON) == "ENOMEM"
    assert errno_of(do_mmap, mm, a + 1, P, 3, ANON | MAP_FIXED) == "EINVAL"
    assert errno_of(do_mmap, mm, a + P, P, 3, ANON | MAP_FIXED_NOREPLACE) == "EEXIST"
    assert errno_of(do_munmap, mm, a + 0x100, P) == "EINVAL"
    assert errno_of(do_munmap, mm, a, 0) == "EINVAL"
    assert errno_of(do_munmap, mm, 0xFFFF_FF00_0090_0000, P) == "EINVAL"
    assert errno_of(do_munmap, mm, a, (1 << 64) - P) == "EINVAL"
    assert errno_of(do_mprotect, mm, a + P, 4 * P, 1) == "ENOMEM"
    assert errno_of(do_mremap, mm, a + 8 * P, P, P) == "EFAULT"
    assert errno_of(do_mremap, mm, a, 4 * P, 1 << 46) == "EFAULT"  # two mappings since the call before
    assert errno_of(do_mremap, mm, a, P, 1 << 46) == "ENOMEM"
    do_munmap(mm, a, 4 * P)
    do_munmap(mm, a, 4 * P)
    box.drop(mm)


def test_the_heap_grows_and_shrinks_and_keeps_its_limit(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mm = box.new_mm()
    assert do_brk(mm, 0) == HEAP_START
    assert do_brk(mm, HEAP_START + 10 * P + 5) == HEAP_START + 10 * P + 5
    memory.store8(HEAP_START + 10 * P + 4, 1)
    with pytest.raises(Segv):
        memory.store8(HEAP_START + 11 * P, 1)
    assert do_brk(mm, HEAP_START + P) == HEAP_START + P
    with pytest.raises(Segv):
        memory.load8(HEAP_START + P)
    monkeypatch.setattr(limits.settings, "current", lambda: Limits(data=4 * P))
    assert do_brk(mm, HEAP_START + 5 * P) == HEAP_START + P
    assert do_brk(mm, HEAP_START + 4 * P) == HEAP_START + 4 * P
    monkeypatch.setattr(limits.settings, "current", Limits)
    assert do_brk(mm, HEAP_START + (1 << 46)) == HEAP_START + 4 * P
    box.drop(mm)


def test_the_stack_grows_to_its_limit_and_keeps_its_distance(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mm = box.new_mm()
    top = setup_stack(mm, 8 << 20)
    monkeypatch.setattr(limits.settings, "current", lambda: Limits(stack=1 << 20))
    memory.store8(top - 500_000, 1)
    assert mm.stack_vm == 500_000 // P + 1
    memory.store8(top - (1 << 20), 1)
    with pytest.raises(Segv):
        memory.store8(top - (1 << 20) - 1, 1)
    monkeypatch.setattr(limits.settings, "current", lambda: Limits(stack=-1))
    do_mmap(mm, top - (4 << 20), P, 3, ANON | MAP_FIXED)
    memory.store8(top - (2 << 20), 1)
    with pytest.raises(Segv):
        memory.store8(top - (3 << 20) + P - 1, 1)  # within 1 MiB of the mapping below
    low, high = setup_thread_stack(mm, 16 * P)
    memory.store(low, bytes(high - low))
    with pytest.raises(Segv):
        memory.load8(low - 1)
    grows = do_mmap(mm, 0x1000_0000, P, 3, ANON | MAP_GROWSDOWN)
    memory.store8(grows - 5 * P, 1)
    box.drop(mm)


def test_limits_of_address_space_and_data(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mm = box.new_mm()
    monkeypatch.setattr(limits.settings, "current", lambda: Limits(as_=20 * P, data=10 * P))
    a = do_mmap(mm, 0, 10 * P, 3, ANON)
    assert errno_of(do_mmap, mm, 0, P, 3, ANON) == "ENOMEM"
    read_only = do_mmap(mm, 0, 10 * P, 1, ANON)
    assert errno_of(do_mmap, mm, 0, P, 1, ANON) == "ENOMEM"
    assert do_mmap(mm, a, 10 * P, 3, ANON | MAP_FIXED) == a  # what is replaced does not count
    assert errno_of(do_mremap, mm, read_only, 10 * P, 11 * P, 1) == "ENOMEM"
    box.drop(mm)


def test_overcommit_modes(make_box: Callable[..., Any]) -> None:
    for mode, half, more, twice in ((0, True, True, False), (1, True, True, True), (2, True, False, False)):
        box = make_box(settings={"overcommit": str(mode), "overcommit_ratio": "50"})  # 16 MiB
        mm = box.new_mm()
        got = []
        for size in (7 << 20, 7 << 20, 32 << 20):
            try:
                do_mmap(mm, 0, size, 3, ANON)
                got.append(True)
            except GuestFault:
                got.append(False)
        assert (mode, got) == (mode, [half, more, twice])
        try:
            do_mmap(mm, 0, 64 << 20, 3, ANON | MAP_NORESERVE)
            assert mode != 2
        except GuestFault:
            assert mode == 2
        if mode != 2:
            child = dup_mm(mm)
            assert totals.s.committed == mm.committed + child.committed
            box.drop(child)
        box.drop(mm)
        assert totals.s.committed == 0


def test_a_batch_of_stale_entries_that_is_dropped_stops_the_machine(box: Any) -> None:
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    batch = StaleBatch(mm)
    batch.add_downgrade(a, P, 1)
    del batch
    with pytest.raises(KernelBug, match="dropped without a TLB invalidation"):
        ipi.poll_ipis()
    import kos.mm.shootdown

    kos.mm.shootdown._dropped.clear()
    check_dropped()
    assert this.pending[0] == 0
    box.drop(mm)


def test_unmapping_gives_the_tables_back(box: Any) -> None:
    mm = box.new_mm()
    for n in range(8):
        at = do_mmap(mm, 0x2000_0000 + (n << 21), P, 3, ANON | MAP_FIXED)
        memory.store8(at, 1)
    before = mm.nr_tables
    do_munmap(mm, 0x2000_0000, 8 << 21)
    assert mm.nr_tables == before - 8
    assert box.audit() == []
    box.drop(mm)


def test_a_thousand_mappings_are_found(box: Any) -> None:
    mm = box.new_mm()
    base = 0x3000_0000
    for n in range(1000):
        do_mmap(mm, base + 2 * n * P, P, 3, ANON | MAP_FIXED)
    for n in range(0, 1000, 7):
        memory.store64(base + 2 * n * P, n)
    assert len(for_each_vma(mm)) == 1000
    child = dup_mm(mm)
    switch.load_mm(child)
    assert [memory.load64(base + 2 * n * P) for n in range(0, 1000, 7)] == list(range(0, 1000, 7))
    assert errno_of(do_mmap, mm, USER_TOP - P, 2 * P, 3, ANON | MAP_FIXED) == "ENOMEM"
    box.drop(mm, child)


def test_no_room_for_another_area_is_enomem_for_all_but_madvise(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux's madvise_vma_behavior() turns the ENOMEM of a split into EAGAIN."""
    mm = box.new_mm()
    a = do_mmap(mm, 0, 9 * P, 3, ANON)
    monkeypatch.setattr("kos.mm.mmap.MAX_MAP_COUNT", mm.nr_vmas)

    assert errno_of(do_munmap, mm, a + P, P) == "ENOMEM"
    assert errno_of(do_mprotect, mm, a + P, P, 1) == "ENOMEM"
    assert errno_of(do_madvise, mm, a + P, P, MADV_DONTFORK) == "EAGAIN"
    box.drop(mm)


def test_what_is_freed_stays_while_there_is_plenty_of_memory(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """MADV_FREE leaves pages where they are until memory is short, as Linux does."""
    mm = box.new_mm()
    switch.load_mm(mm)
    a = do_mmap(mm, 0, 2 * P, 3, ANON)
    memory.store8(a, 5)

    do_madvise(mm, a, 2 * P, MADV_FREE)
    assert memory.load8(a) == 5
    monkeypatch.setattr("kos.mm.madvise.nr_free", lambda: 0)
    do_madvise(mm, a, 2 * P, MADV_FREE)
    assert memory.load8(a) == 0
    box.drop(mm)
