"""Frame allocations that fail: the caller gets a clean error, and nothing is lost or left behind."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from mm_box import Segv

from kos.errors import GuestFault
from kos.mm import pagecache, policy, switch
from kos.mm.brk import do_brk
from kos.mm.dup import dup_mm
from kos.mm.madvise import do_madvise
from kos.mm.minherit import do_minherit
from kos.mm.mm import mm_alloc, mmput
from kos.mm.mmap import MAP_ANONYMOUS, MAP_FIXED, MAP_POPULATE, MAP_PRIVATE, MAP_SHARED, do_mmap, do_munmap
from kos.mm.mprotect import do_mprotect
from kos.mm.mremap import do_mremap
from kos.mm.stack import setup_stack, setup_thread_stack
from kos.mm.structs import Mapping, Mm, zone
from kos.mm.uaccess import copy_from_user, copy_to_user
from kos.runtime import memory
from kos_plugins.fork_cow import CowFork
from kos_plugins.fork_eager import EagerFork

P = 4096
ANON = MAP_ANONYMOUS | MAP_FIXED


def one_step(rng: random.Random, spaces: list[Mm], file: Mapping, base: int) -> None:
    """Something random, which may fail in any way that a guest may see."""
    mm = spaces[0]
    switch.load_mm(mm)
    at = base + rng.randrange(1600) * P
    size = rng.choice((1, 2, 30, 700)) * P
    ops: list[Callable[[], object]] = [
        lambda: do_mmap(mm, at, size, 3, MAP_PRIVATE | ANON | rng.choice((0, MAP_POPULATE))),
        lambda: do_mmap(mm, at, size, 3, MAP_SHARED | ANON),
        lambda: do_munmap(mm, at, size),
        lambda: do_mprotect(mm, at, size, rng.randrange(4)),
        lambda: memory.store(at, bytes(rng.choice((8, 3 * P)))),
        lambda: memory.load(at, rng.choice((8, 3 * P))),
        lambda: copy_to_user(mm, at, b"x" * P),
        lambda: copy_from_user(mm, at, P),
        lambda: do_mremap(mm, at, P, size, 1),
        lambda: do_madvise(mm, at, size, rng.choice((4, 10, 11, 18, 19, 23))),
        lambda: do_minherit(mm, at, P, rng.randrange(4)),
        lambda: do_brk(mm, mm.brk_start + rng.randrange(64) * P),
        lambda: setup_thread_stack(mm, 16 * P),
        lambda: pagecache.write(file, rng.randrange(2000) * P, bytes(3 * P)),
        lambda: pagecache.truncate(file, rng.randrange(100 * P)),
        lambda: spaces.append(dup_mm(mm)) if len(spaces) < 4 else None,
        lambda: spaces.append(dup_mm(mm)) if len(spaces) < 4 else None,
        lambda: mmput(spaces.pop()) if len(spaces) > 1 else None,
        lambda: spaces.reverse(),
    ]
    try:
        rng.choice(ops)()
    except (GuestFault, Segv, MemoryError):
        pass


@pytest.mark.parametrize("fork", [CowFork, EagerFork])
def test_every_nth_allocation_fails_and_the_audit_stays_clean(make_box: Callable[..., Any], fork: type) -> None:
    """For many N; what fails is undone."""
    for every in (0, 1, 2, 3, 5, 8, 13, 40, 101, 199):
        box = make_box(fail_alloc=every, memory_bytes=8 << 20, settings={"poison": "1"})
        policy.use("fork", fork())
        rng = random.Random(every)
        file = pagecache.mapping_alloc()
        mm = None
        while mm is None:
            try:
                mm = mm_alloc()
            except GuestFault:
                if every == 1:
                    break
        if mm is not None:
            switch.load_mm(mm)
            spaces = [mm]
            try:
                setup_stack(mm, 1 << 20)
            except GuestFault:
                pass
            for _ in range(250):
                one_step(rng, spaces, file, 0x7000_0000_0000)
                problems = box.audit()
                assert problems == [], f"N={every}"
            box.drop(*spaces)
        pagecache.put_mapping(file)
        assert box.audit() == []


def test_an_address_space_larger_than_memory_is_a_clean_failure(make_box: Callable[..., Any]) -> None:
    """Touching more than there is ends in OOM; afterwards everything can be freed, and used again."""
    box = make_box(memory_bytes=4 << 20)
    used_at_boot = zone.s.nr_used
    for _ in range(2):
        mm = box.new_mm()
        at = do_mmap(mm, 0, 1000 * P, 3, MAP_PRIVATE | MAP_ANONYMOUS)
        other = do_mmap(mm, 0, 1000 * P, 3, MAP_PRIVATE | MAP_ANONYMOUS)
        with pytest.raises(MemoryError):
            for n in range(1000):
                memory.store8(at + n * P, 1)
                memory.store8(other + n * P, 1)
        with pytest.raises(GuestFault):
            dup_mm(mm)
        box.drop(mm)
        assert box.audit() == []
    assert zone.s.nr_used - used_at_boot <= 192
