"""Windows: opened by what has hit, and closed before the TLB changes in any way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kos.hw.tlb import Window, hot, slots
from kos.mm import switch
from kos.mm.dup import dup_mm
from kos.mm.mm import mm_alloc, mmput
from kos.mm.mmap import MAP_ANONYMOUS, MAP_PRIVATE, do_mmap, do_munmap
from kos.mm.mprotect import do_mprotect
from kos.mm.structs import Mm
from kos.runtime import memory

P = 4096
ANON = MAP_PRIVATE | MAP_ANONYMOUS


def miss(mm: Mm, a: int) -> None:
    memory.load8(a + 3 * P)


def unmap(mm: Mm, a: int) -> None:
    do_munmap(mm, a, P)


def protect(mm: Mm, a: int) -> None:
    do_mprotect(mm, a, P, 1)


def fork(mm: Mm, a: int) -> None:
    mmput(dup_mm(mm))


def load_another(mm: Mm, a: int) -> None:
    other = mm_alloc()
    switch.load_mm(other)
    switch.load_mm(mm)
    mmput(other)


def unload(mm: Mm, a: int) -> None:
    switch.load_mm(None)
    switch.load_mm(mm)


def fall_behind(mm: Mm, a: int) -> None:
    mm.tlb_gen += 1
    slots.catch_up(mm.tlb_gen)


def gain_a_right(mm: Mm, a: int) -> None:
    slots.flush_page(a)


CHANGES = [miss, unmap, protect, fork, load_another, unload, fall_behind, gain_a_right]


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
def test_windows_are_closed_when_the_tlb_changes(box: Any, change: Callable[[Mm, int], None]) -> None:
    mm = box.new_mm()
    a = do_mmap(mm, 0, 4 * P, 3, ANON)
    memory.store(a, bytes(2 * P))
    window = Window()
    window.take(0, P, hot.write[a >> 12] + a)

    change(mm, a)

    assert (window.low, window.high, hot.windows, hot.write_runs) == (0, 0, [], {})
    box.drop(mm)


def test_a_window_grows_by_what_lies_beside_it() -> None:
    window = Window()
    bounds = []
    for low, high, delta in ((P, 2 * P, 7), (2 * P, 2 * P + 100, 7), (0, P, 7), (4 * P, 5 * P, 7), (5 * P, 6 * P, 8)):
        window.take(low, high, delta)
        bounds.append((window.low, window.high, window.delta))
    hot.close_windows()

    assert bounds == [(P, 2 * P, 7), (P, 2 * P + 100, 7), (0, 2 * P + 100, 7), (4 * P, 5 * P, 7), (5 * P, 6 * P, 8)]
    assert (window.low, window.high) == (0, 0)
