"""What every fork policy must do: a child has its own copy of private memory, from the moment of the fork."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from typing import Any

import pytest
from mm_box import run_on_cpus, safepoint
from policy_box import PolicyBox

from kos.arena.table import Column
from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.hw.relax import relax
from kos.mm import switch
from kos.mm.dup import dup_mm
from kos.mm.mm import mmput
from kos.mm.mmap import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, do_mmap
from kos.mm.stack import setup_stack
from kos.mm.uaccess import copy_from_user, copy_to_user
from kos.runtime import memory

P = 4096
ANON = MAP_PRIVATE | MAP_ANONYMOUS
words = Column("fork_contract_words", "Q", 8)
Boot = Callable[..., PolicyBox]


def test_neither_side_sees_what_the_other_writes(boot: Boot, fork_plugin: str) -> None:
    """After fork, a private page written by one process keeps its bytes in the other."""
    box = boot(fork_plugin)
    parent = box.new_mm()
    a = do_mmap(parent, 0, 4 * P, 3, ANON)
    for n in range(3):
        memory.store64(a + n * P, 10 + n)

    child = dup_mm(parent)
    memory.store64(a, 100)
    copy_to_user(child, a + P, (200).to_bytes(8, "little"))

    seen = [[int.from_bytes(copy_from_user(mm, a + n * P, 8), "little") for n in range(4)] for mm in (parent, child)]
    assert seen == [[100, 11, 12, 0], [10, 200, 12, 0]]
    box.drop(parent, child)


def test_shared_memory_stays_shared(boot: Boot, fork_plugin: str) -> None:
    """A shared mapping is one memory in parent and child."""
    box = boot(fork_plugin)
    parent = box.new_mm()
    a = do_mmap(parent, 0, 2 * P, 3, MAP_SHARED | MAP_ANONYMOUS)
    memory.store64(a, 1)

    child = dup_mm(parent)
    copy_to_user(child, a, (2).to_bytes(8, "little"))

    assert memory.load64(a) == 2
    box.drop(parent, child)


def test_the_stack_is_copied_too(boot: Boot, fork_plugin: str) -> None:
    """What a process has on its stack at the fork is in the child's stack, and is the child's own."""
    box = boot(fork_plugin)
    parent = box.new_mm()
    top = setup_stack(parent, 1 << 20)
    for n in range(1, 6):
        memory.store64(top - n * P, n)

    child = dup_mm(parent)
    for n in range(1, 6):
        memory.store64(top - n * P, 10 * n)

    seen = [int.from_bytes(copy_from_user(child, top - n * P, 8), "little") for n in range(1, 6)]
    assert seen == [1, 2, 3, 4, 5]
    box.drop(parent, child)


def test_generations_of_forks_agree_with_a_model(boot: Boot, fork_plugin: str) -> None:
    """Random forks, writes and exits of up to six processes: each sees what a dict of its own would hold."""
    box = boot(fork_plugin)
    rng = random.Random(7)
    first = box.new_mm()
    a = do_mmap(first, 0, 64 * P, 3, ANON)
    family: list[tuple[Any, dict[int, int]]] = [(first, {})]
    for step in range(400):
        at = rng.randrange(len(family))
        mm, model = family[at]
        page = rng.randrange(64)
        op = rng.random()
        if op < 0.6:
            model[page] = step + 1
            copy_to_user(mm, a + page * P, (step + 1).to_bytes(8, "little"))
        elif op < 0.8:
            assert int.from_bytes(copy_from_user(mm, a + page * P, 8), "little") == model.get(page, 0)
        elif op < 0.9 and len(family) < 6:
            family.append((dup_mm(mm), dict(model)))
        elif len(family) > 1 and mm is not first:
            mmput(mm)
            del family[at]
    box.drop(*(mm for mm, _ in family))


def test_a_fork_that_runs_out_of_memory_leaves_nothing(boot: Boot, fork_plugin: str) -> None:
    """ENOMEM at any allocation undoes the child; the parent keeps its memory and may write it."""
    box = boot(fork_plugin)
    parent = box.new_mm()
    a = do_mmap(parent, 0, 600 * P, 3, ANON)
    for n in range(600):
        memory.store64(a + n * P, n)
    from kos.mm import page_alloc

    failed = 0
    for nth in (1, 2, 3, 5, 8):
        page_alloc._local.fail_every = nth
        page_alloc._local.count = 0
        try:
            mmput(dup_mm(parent))
        except GuestFault as e:
            assert e.errno == errno.ENOMEM
            failed += 1
        finally:
            page_alloc._local.fail_every = 0
    assert failed
    for n in range(600):
        assert memory.load64(a + n * P) == n
        memory.store64(a + n * P, n + 1)
    box.drop(parent)


@pytest.mark.parametrize("rounds", [15])
def test_other_cpus_of_the_parent_stop_writing_into_the_child(boot: Boot, fork_plugin: str, rounds: int) -> None:
    """A thread that stores on another CPU all the time never changes what a child has got."""
    box = boot(fork_plugin, cpus=2)
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    memory.store64(a, 0)

    def wait_past(n: int) -> None:
        while memory.load64(a) <= n:
            this.pending[0] = 1
            relax()

    def body(cpu: int) -> None:
        switch.load_mm(mm)
        if cpu == 1:
            n = 0
            while not words.v[0]:
                n += 1
                memory.store64(a, n)
                safepoint()
            return
        wait_past(50)
        for _ in range(rounds):
            child = dup_mm(mm)
            first = copy_from_user(child, a, 8)
            wait_past(memory.load64(a) + 20)
            assert copy_from_user(child, a, 8) == first
            mmput(child)
        words.v[0] = 1

    run_on_cpus(2, body)
    box.drop(mm)
