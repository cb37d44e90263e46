"""What a run queue hands out, by policy."""

from __future__ import annotations

from typing import Any

import pytest

from kos.arena.arena import Arena
from kos.sched.policy import WEIGHTS, queued
from kos.sched.structs import RunQueue, Task, run_queues, tasks
from kos_plugins.sched_fair import Fair
from kos_plugins.sched_rr import RoundRobin


def ready(nice: int = 0, vruntime: int = 0) -> Task:
    task = tasks.alloc()
    assert task is not None
    task.weight = WEIGHTS[nice + 20]
    task.vruntime = vruntime
    return task


@pytest.fixture
def rq(arena: Arena) -> RunQueue:
    return run_queues[1]


def test_round_robin_is_first_come_first_served(rq: RunQueue) -> None:
    """Tasks come out in the order in which they went in, and a used-up slice ends the turn."""
    policy = RoundRobin()
    came = [ready() for _ in range(3)]
    for task in came:
        policy.enqueue(rq, task, True)
    first = policy.pick_next(rq)
    assert first is came[0]
    policy.ran(rq, first, first.slice_ns - 1)
    assert not policy.tick(rq, first)
    policy.ran(rq, first, 5)
    assert policy.tick(rq, first)
    policy.enqueue(rq, first, False)
    assert queued(rq) == [came[1], came[2], came[0]]


def test_fair_runs_who_has_had_least(rq: RunQueue) -> None:
    """The queue is in order of virtual run time, which grows slower for a heavier task."""
    policy = Fair()
    rq.min_vruntime = 100_000_000
    heavy, light = ready(-5, 100_000_000), ready(5, 100_000_000)
    for task in (heavy, light):
        policy.ran(rq, task, 10_000_000)
        policy.enqueue(rq, task, False)
    assert queued(rq) == [heavy, light]
    assert policy.pick_next(rq) is heavy


def test_fair_lets_no_sleeper_save_up_time(rq: RunQueue) -> None:
    """Who slept for long comes half a latency ahead of the others, and no more."""
    policy = Fair()
    rq.min_vruntime = 1_000_000_000
    sleeper = ready(0, 5)
    policy.enqueue(rq, sleeper, True)
    assert sleeper.vruntime == 1_000_000_000 - 12_000_000


@pytest.mark.parametrize("policy", [RoundRobin(), Fair()])
def test_a_queue_counts_what_is_on_it(rq: RunQueue, policy: Any) -> None:
    """Length and load follow every enqueue, dequeue and pick; an empty queue yields nothing."""
    came = [ready(nice) for nice in (-5, 0, 5)]
    for task in came:
        policy.enqueue(rq, task, True)
    assert (rq.nr_queued, rq.load) == (3, sum(t.weight for t in came))
    policy.dequeue(rq, came[1])
    while policy.pick_next(rq) is not None:
        pass
    assert (rq.nr_queued, rq.load, rq.head, rq.tail) == (0, 0, 0, 0)
