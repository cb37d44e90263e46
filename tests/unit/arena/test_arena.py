"""kos/arena/arena.py: one block, found again by its name."""

import itertools
import os

import pytest

from kos.arena.arena import Arena
from kos.arena.table import REGISTRY
from kos.errors import HostError
from kos.hw.phys import frames
from kos.params import PAGE_SIZE, Params


def test_segments_lie_apart_and_on_pages(arena):
    """No two overlap; each starts on a page of its own."""
    places = sorted(arena.places.values())

    assert all(at % PAGE_SIZE == 0 for at, _ in places)
    assert all(at + size <= later for (at, size), (later, _) in itertools.pairwise(places))
    assert arena.places.keys() == REGISTRY.keys()


def test_whoever_attaches_sees_the_same_machine(arena):
    """By name, from any process; and attaching does not remove it when it ends."""
    seen = Arena.attach(arena.block.name)

    assert (seen.params, seen.places) == (arena.params, arena.places)
    assert seen.header.boot_ns == arena.header.boot_ns
    assert os.path.exists(arena.block.path)


def test_a_name_is_taken_once(arena):
    with pytest.raises(HostError, match="exists already"):
        Arena.create(arena.block.name, arena.params)


def test_a_machine_that_is_not_there():
    with pytest.raises(HostError, match="no machine named"):
        Arena.attach("kos-no-such-machine")


def test_sixteen_gigabytes_cost_no_more_than_what_is_touched():
    """The block is sparse: boot takes memory for structures only."""
    made = Arena.create(f"kos-unit-large-{os.getpid()}", Params(cpus=1, memory=16 << 30))
    try:
        assert len(frames.buf) == 16 << 30
        assert made.block.resident_bytes() < 1 << 20
    finally:
        made.block.unlink()
