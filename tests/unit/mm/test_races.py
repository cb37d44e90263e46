"""Several CPUs, each a host process, on one address space at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from mm_box import answering_cpu, run_on_cpus, safepoint, shoot_at_everybody

from kos.arena.table import Column
from kos.errors import KernelBug
from kos.hw import ipi
from kos.hw.cpu import cpu_block, this
from kos.mm import shootdown, switch
from kos.mm.dup import dup_mm
from kos.mm.mm import mmput
from kos.mm.mmap import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, do_mmap
from kos.mm.mprotect import do_mprotect
from kos.mm.uaccess import copy_from_user
from kos.platform.host.clock import now_ns
from kos.runtime import memory

P = 4096
ANON = MAP_PRIVATE | MAP_ANONYMOUS
flags = Column("test_flags", "Q", 64)


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll as a waiting CPU does."""
    from kos.hw.relax import relax

    this.pending[0] = 1  # so that the test's own time limit is looked at
    while not condition():
        relax()
        this.pending[0] = 1


def test_fork_takes_the_right_to_write_from_every_cpu(make_box: Callable[..., Any]) -> None:
    """A thread of the parent keeps storing on another CPU; the child's copy does not move."""
    box = make_box(cpus=2)
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    memory.store64(a, 0)
    moved = []

    def body(cpu: int) -> None:
        switch.load_mm(mm)
        if cpu == 1:
            n = 0
            while not flags.v[0]:
                n += 1
                memory.store64(a, n)
                safepoint()
            return
        wait_for(lambda: memory.load64(a) > 100)
        for _ in range(30):
            child = dup_mm(mm)
            first = copy_from_user(child, a, 8)
            before = memory.load64(a)
            wait_for(lambda before=before: memory.load64(a) > before + 20)  # type: ignore[misc]
            moved.append(first != copy_from_user(child, a, 8))
            mmput(child)
        flags.v[0] = 1

    run_on_cpus(2, body)
    assert moved == [False] * 30
    box.drop(mm)


def test_copy_on_write_is_seen_by_all_threads_at_once(make_box: Callable[..., Any]) -> None:
    """After a break of COW by one CPU, no thread goes on reading the old frame."""
    box = make_box(cpus=3)
    mm = box.new_mm()
    a = do_mmap(mm, 0, 2 * P, 3, ANON)
    memory.store64(a, 0)
    rounds = 40

    def body(cpu: int) -> None:
        switch.load_mm(mm)
        children = []
        for n in range(1, rounds):
            if cpu == 0:
                children.append(dup_mm(mm))
                memory.store64(a, n)  # breaks the sharing: a new frame
                flags.v[1] = n
                wait_for(lambda n=n: flags.v[2] == n and flags.v[3] == n)  # type: ignore[misc]
            else:
                while flags.v[1] < n:
                    assert memory.load64(a) in (n - 1, n)
                    safepoint()
                assert memory.load64(a) == n
                flags.v[1 + cpu] = n
        for child in children:
            mmput(child)

    run_on_cpus(3, body)
    box.drop(mm)


@pytest.mark.parametrize("tlb", [(64, 4), (4, 2)])
def test_everybody_shoots_at_everybody(make_box: Callable[..., Any], tlb: tuple[int, int]) -> None:
    """All CPUs map, protect, unmap, fork and store in one address space: nothing hangs, the audit is clean."""
    cpus = 4
    box = make_box(cpus=cpus, tlb=tlb, settings={"poison": "1"})
    mm = box.new_mm()
    a = do_mmap(mm, 0, 16 * P, 3, ANON)

    run_on_cpus(cpus, lambda cpu: shoot_at_everybody(mm, a, cpu, cpus, 300))
    assert box.audit() == []
    box.drop(mm)


def test_atomics_of_many_cpus_are_exact(make_box: Callable[..., Any]) -> None:
    """fetch_add64 on shared memory counts every one, over forked address spaces too."""
    cpus = 3
    box = make_box(cpus=cpus)
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, MAP_SHARED | MAP_ANONYMOUS)
    spaces = [mm, dup_mm(mm), dup_mm(mm)]

    def body(cpu: int) -> None:
        switch.load_mm(spaces[cpu])
        for _ in range(500):
            memory.fetch_add64(a, 1)
            safepoint()

    run_on_cpus(cpus, body)
    switch.load_mm(mm)
    assert memory.load64(a) == 500 * cpus
    box.drop(*spaces)


def test_other_cpus_look_again_after_any_change_of_protection(make_box: Callable[..., Any]) -> None:
    """Rights gained, too: what a walk on another CPU has set in the entry meanwhile may have been overwritten."""
    box = make_box(cpus=2)
    mm = box.new_mm()
    a = do_mmap(mm, 0, 2 * P, 3, ANON)
    memory.store64(a, 1)

    with answering_cpu(mm) as asked:
        do_mprotect(mm, a, P, 3 | 4)

    assert [(start, end) for start, end, _ in asked] == [(a, a + P)]
    box.drop(mm)


def test_a_flush_that_a_cpu_has_lost_ends_in_a_report(make_box: Callable[..., Any]) -> None:
    """A CPU that looks at its interrupts and does not answer one: said, not waited for."""
    box = make_box(cpus=2)
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    memory.store64(a, 1)
    mm.cpumask[1] = 1
    beat = itertools.count(now_ns() + 1_000_000_000, 2_000_000_000)

    def cpu_1_beats() -> None:
        cpu_block(1).heartbeat = next(beat)
        this.pending[0] = 1

    ipi.poll_hooks.append(cpu_1_beats)
    this.pending[0] = 1
    with pytest.raises(KernelBug, match="cpu 1 serves its interrupts, but never acknowledged flush"):
        do_mprotect(mm, a, P, 1)

    ipi.poll_hooks.remove(cpu_1_beats)
    this.pending[0] = 0
    mm.cpumask[1] = 0
    shootdown.flush_slots[this.id + 1].done = shootdown.flush_slots[this.id + 1].seq
    box.drop(mm)
