"""What every TLB model must do: remember only what was inserted, forget all that was flushed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from policy_box import PolicyBox

from kos.hw.tlb import NR_ASIDS
from kos.mm.policy import active

Boot = Callable[..., PolicyBox]


@pytest.fixture(params=[[64, 4], [4, 1], [1, 1]], ids=str)
def model(boot: Boot, tlb_plugin: str, request: pytest.FixtureRequest) -> Any:
    """The model of this CPU, behind its guard."""
    boot(tlb_plugin, tlb=request.param)
    return active.tlb


def test_an_inserted_page_is_found(model: Any) -> None:
    read, write = model.open(1)
    model.insert(1, 5, 4096, False)
    model.insert(1, 6, 8192, True)

    assert (read[6], write[6]) == (8192, 8192)
    assert 5 not in write
    assert model.open(1)[0] is read


def test_it_agrees_with_a_model_that_never_evicts(model: Any) -> None:
    """Random inserts and flushes of six address spaces: every hit is the last insert, and nothing flushed is hit."""
    rng = random.Random(5)
    truth: dict[tuple[int, int], tuple[int, bool]] = {}
    for _ in range(4000):
        asid, vpn = rng.randrange(1, NR_ASIDS + 1), rng.randrange(40)
        op = rng.random()
        if op < 0.7:
            # As the MMU does: a page is inserted on a miss, or again once it may be written.
            entry = (rng.randrange(1, 1000) * 4096, rng.random() < 0.5)
            model.flush_page(asid, vpn)
            truth[asid, vpn] = entry
            model.insert(asid, vpn, *entry)
        elif op < 0.95:
            truth.pop((asid, vpn), None)
            model.flush_page(asid, vpn)
        else:
            truth = {key: value for key, value in truth.items() if key[0] != asid}
            model.flush_asid(asid)
        for a in range(1, NR_ASIDS + 1):
            read, write = model.open(a)
            assert all(truth[a, v][0] == delta for v, delta in read.items())
            assert all(truth[a, v] == (delta, True) for v, delta in write.items())


def test_a_page_gains_the_right_to_write(model: Any) -> None:
    """Inserted read-only, then as writable: the second insert counts."""
    model.insert(2, 9, 4096, False)
    model.insert(2, 9, 4096, True)

    assert model.open(2)[1].get(9) == 4096
