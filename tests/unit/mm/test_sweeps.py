"""Fork and exit over many whole leaf tables at once: the same as page by page."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from typing import Any

import pytest

from kos.errors import GuestFault
from kos.hw.mmu import find_pte
from kos.hw.phys import frames
from kos.hw.pte import PTE_COW, PTE_SPECIAL, PTE_W
from kos.mm import page_alloc, switch
from kos.mm.dup import dup_mm
from kos.mm.mm import mmput
from kos.mm.mmap import MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, do_mmap, do_munmap
from kos.mm.pgtable import LEAF_SPAN
from kos.mm.structs import Mm
from kos.runtime import memory

P = 4096
ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE
EDGE = 1 << 40  #: where one directory of leaf tables ends and the next begins
TABLES = 140  #: more than one sweep takes


def entry(mm: Mm, vaddr: int) -> int:
    at = find_pte(mm.pgd, vaddr)
    return frames.mem64[at] if at else 0


def populated(box: Any, rng: random.Random) -> tuple[Mm, int, int, dict[int, int]]:
    """A mapping on both sides of EDGE that begins and ends inside a table; address -> byte of what is there."""
    mm = box.new_mm()
    switch.load_mm(mm)
    start = EDGE - rng.randrange(LEAF_SPAN // P) * P - rng.randrange(TABLES) * LEAF_SPAN
    size = TABLES * LEAF_SPAN + rng.randrange(512) * P
    do_mmap(mm, start, size, 3, ANON)
    model = {}
    for table in range(TABLES):
        how_many = rng.choice((0, 0, 1, 1, 1, 3, 20))
        for _ in range(how_many):
            at = start + table * LEAF_SPAN + rng.randrange(512) * P
            if rng.random() < 0.2:
                memory.load8(at)  # the zero page
                model.setdefault(at, 0)
            else:
                model[at] = rng.randrange(1, 256)
                memory.store8(at, model[at])
    full = start - start % LEAF_SPAN + LEAF_SPAN
    for at in range(full, full + LEAF_SPAN, P):
        model[at] = 7
        memory.store8(at, 7)
    return mm, start, size, model


def check(mm: Mm, model: dict[int, int]) -> None:
    switch.load_mm(mm)
    for at, value in model.items():
        assert memory.load8(at) == value, hex(at)


@pytest.mark.parametrize("seed", range(4))
def test_a_fork_shares_every_page_and_write_protects_it_in_both(make_box: Callable[..., Any], seed: int) -> None:
    rng = random.Random(seed)
    box = make_box(memory_bytes=64 << 20)
    mm, start, size, model = populated(box, rng)
    child = dup_mm(mm)
    assert box.audit() == []
    assert (child.rss_anon, child.rss_file) == (mm.rss_anon, mm.rss_file)
    for at in model:
        mine, its = entry(mm, at), entry(child, at)
        assert mine >> 12 & 0xFFFFFFFF == its >> 12 & 0xFFFFFFFF
        assert not (mine | its) & PTE_W
        assert mine & its & (PTE_COW | PTE_SPECIAL)
    check(child, model)
    written = rng.sample(sorted(model), 40)
    for at in written:
        memory.store8(at, model[at] ^ 255)
    check(mm, model)
    check(child, model | {at: model[at] ^ 255 for at in written})
    do_munmap(child, start + LEAF_SPAN // 2 // P * P, size - LEAF_SPAN)
    assert box.audit() == []
    switch.load_mm(mm)
    box.drop(child)
    check(mm, model)
    switch.load_mm(mm)
    box.drop(mm)
    assert box.audit() == []


def test_a_fork_that_finds_no_frames_for_its_tables_leaves_nothing(make_box: Callable[..., Any]) -> None:
    for every in (1, 2, 3, 7, 50, 150):
        box = make_box(memory_bytes=64 << 20)
        mm, _, _, model = populated(box, random.Random(every))
        page_alloc._local.fail_every = every
        try:
            mmput(dup_mm(mm))
        except GuestFault as e:
            assert e.errno == errno.ENOMEM
        finally:
            page_alloc._local.fail_every = 0
        assert box.audit() == []
        check(mm, model)
        box.drop(mm)
        assert box.audit() == []
