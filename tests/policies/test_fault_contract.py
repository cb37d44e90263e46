"""What every fault handler must do: change when pages become resident, never what is in them."""

from __future__ import annotations

import random
from collections.abc import Callable

from policy_box import PolicyBox

from kos.mm.dup import dup_mm
from kos.mm.mmap import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, do_mmap
from kos.mm.uaccess import copy_from_user, copy_to_user
from kos.runtime import memory

P = 4096
Boot = Callable[..., PolicyBox]


def test_memory_reads_as_it_was_written(boot: Boot, fault_plugin: str) -> None:
    """Private and shared anonymous memory over forks, in random order, agrees with a model."""
    box = boot(fault_plugin)
    rng = random.Random(2)
    parent = box.new_mm()
    private = do_mmap(parent, 0, 40 * P, 3, MAP_PRIVATE | MAP_ANONYMOUS)
    shared = do_mmap(parent, 0, 40 * P, 3, MAP_SHARED | MAP_ANONYMOUS)
    everybody: dict[int, int] = {}
    sides = [(parent, {})]  # type: ignore[var-annotated]
    for step in range(1, 500):
        mm, own = rng.choice(sides)
        base, model = rng.choice([(private, own), (shared, everybody)])
        page = rng.randrange(40)
        if rng.random() < 0.5:
            model[page] = step
            copy_to_user(mm, base + page * P, step.to_bytes(8, "little"))
        else:
            assert int.from_bytes(copy_from_user(mm, base + page * P, 8), "little") == model.get(page, 0)
        if step % 160 == 0:
            sides.append((dup_mm(mm), dict(own)))
    box.drop(*(mm for mm, _ in sides))


def test_a_second_mapping_sees_the_same_pages(boot: Boot, fault_plugin: str) -> None:
    """Pages that are in the cache already are mapped with the contents they have, and not past the end."""
    box = boot(fault_plugin)
    mm = box.new_mm()
    a = do_mmap(mm, 0, 20 * P, 3, MAP_SHARED | MAP_ANONYMOUS)
    for n in range(0, 20, 2):
        memory.store64(a + n * P, n + 1)

    child = dup_mm(mm)

    seen = [int.from_bytes(copy_from_user(child, a + n * P, 8), "little") for n in range(20)]
    assert seen == [n + 1 if n % 2 == 0 else 0 for n in range(20)]
    box.drop(mm, child)
