"""What every page allocator must do: give each frame to one owner at a time, and none away for good."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from policy_box import PolicyBox

from kos.hw.phys import FIRST_PFN
from kos.mm.policy import active
from kos.mm.structs import zone_lock

END = FIRST_PFN + 1000
Boot = Callable[..., PolicyBox]


@pytest.fixture
def allocator(boot: Boot, alloc_plugin: str) -> Iterator[Any]:
    """The allocator alone, with frames FIRST_PFN..END-1, behind its guard; the zone lock is held."""
    boot(alloc_plugin, memory_bytes=END * 4096)
    with zone_lock:
        yield active.alloc


def test_all_frames_can_be_had_and_no_frame_twice(allocator: Any) -> None:
    got = allocator.alloc_bulk(5000)

    assert sorted(got) == list(range(FIRST_PFN, END))
    assert (allocator.nr_free(), allocator.alloc_bulk(1), allocator.alloc(0)) == (0, [], 0)
    allocator.free_bulk(got)
    assert allocator.nr_free() == END - FIRST_PFN


def test_blocks_are_aligned_and_disjoint(allocator: Any) -> None:
    blocks = [(pfn, order) for order in (3, 0, 5, 1, 4, 2) if (pfn := allocator.alloc(order))]

    frames = [pfn + k for pfn, order in blocks for k in range(1 << order)]
    assert len(blocks) == 6
    assert all(pfn % (1 << order) == 0 for pfn, order in blocks)
    assert len(set(frames)) == len(frames)
    for pfn, order in blocks:
        allocator.free(pfn, order)
    assert allocator.nr_free() == END - FIRST_PFN


def test_a_model_agrees(allocator: Any) -> None:
    """Random allocations and frees, one frame or many: nr_free() and free_frames() fit a set of frames."""
    rng = random.Random(3)
    held: list[int] = []
    ever: set[int] = set()
    for _ in range(300):
        if rng.random() < 0.55:
            got = allocator.alloc_bulk(rng.randrange(1, 64)) if rng.random() < 0.7 else [allocator.alloc(0)]
            got = [pfn for pfn in got if pfn]
            held += got
            ever |= set(got)
        else:
            rng.shuffle(held)
            n = rng.randrange(64)
            back, held = held[:n], held[n:]
            allocator.free_bulk(back)
        assert allocator.nr_free() == END - FIRST_PFN - len(held)
    assert ever - set(held) <= set(allocator.free_frames())
    assert not set(held) & set(allocator.free_frames())
    allocator.free_bulk(held)


def test_booting_a_large_memory_touches_little(boot: Boot, alloc_plugin: str) -> None:
    """16 GiB boot in the memory that the kernel's own structures need: the allocator's are lazy or small."""
    before = host_pages()
    boot(alloc_plugin, memory_bytes=16 << 30, settings={"guard": "off"})

    with zone_lock:
        got = active.alloc.alloc_bulk(63)
        active.alloc.free_bulk(got)
    assert len(got) == 63
    assert host_pages() - before < 2000


def host_pages() -> int:
    """Pages of shared memory that this process has touched."""
    return int(Path("/proc/self/statm").read_text().split()[2])
