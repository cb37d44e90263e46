"""Every page allocator keeps the allocator's contract."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from kos.hooks.policies import PageAllocator
from kos.hw.phys import FIRST_PFN
from kos.mm import boot, policy
from kos.mm.mmap import MAP_ANONYMOUS, MAP_PRIVATE, do_mmap
from kos.runtime import memory
from kos_plugins.alloc_buddy import BuddyAllocator
from kos_plugins.alloc_freelist import FreeListAllocator

ALLOCATORS = [BuddyAllocator, FreeListAllocator]


@pytest.mark.parametrize("allocator", ALLOCATORS)
def test_no_frame_is_handed_out_twice_and_none_is_lost(make_box: Callable[..., Any], allocator: type) -> None:
    box = make_box()
    alloc: PageAllocator = allocator()
    end = 3000
    alloc.boot(FIRST_PFN, end)
    rng = random.Random(1)
    blocks: list[tuple[int, int]] = []
    for _ in range(3000):
        if rng.random() < 0.55:
            order = rng.choice((0, 0, 0, 1, 3, 5))
            pfn = alloc.alloc(order)
            if pfn:
                assert pfn % (1 << order) == 0
                blocks.append((pfn, order))
        elif blocks:
            alloc.free(*blocks.pop(rng.randrange(len(blocks))))
        held = sum(1 << order for _, order in blocks)
        assert alloc.nr_free() + held == end - FIRST_PFN
    taken = [n for pfn, order in blocks for n in range(pfn, pfn + (1 << order))]
    assert len(taken) == len(set(taken)) and min(taken) >= FIRST_PFN and max(taken) < end
    assert not set(taken) & set(alloc.free_frames())
    rest = alloc.alloc_bulk(end)
    assert sorted(rest + taken) == list(range(FIRST_PFN, end))
    assert (alloc.alloc(0), alloc.alloc_bulk(5)) == (0, [])
    alloc.free_bulk(rest)
    assert alloc.nr_free() == len(rest) == len(list(alloc.free_frames()))
    policy.use("alloc", FreeListAllocator())
    boot.boot(box.params)


def test_buddies_merge_into_the_largest_block_again(make_box: Callable[..., Any]) -> None:
    box = make_box()
    alloc = BuddyAllocator()
    alloc.boot(1024, 2048)
    frames = alloc.alloc_bulk(1024)
    random.Random(2).shuffle(frames)
    alloc.free_bulk(frames)
    assert (alloc.alloc(10), alloc.alloc(0)) == (1024, 0)
    boot.boot(box.params)


@pytest.mark.parametrize("allocator", ALLOCATORS)
def test_a_machine_runs_on_it(make_box: Callable[..., Any], allocator: type) -> None:
    box = make_box()
    policy.use("alloc", allocator())
    boot.boot(box.params)
    mm = box.new_mm()
    a = do_mmap(mm, 0, 300 << 12, 3, MAP_PRIVATE | MAP_ANONYMOUS)
    memory.store(a, bytes(300 << 12))
    assert box.audit() == []
    box.drop(mm)
