"""What every scheduler must do: run each ready task again and again, and lose none."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from policy_box import PolicyBox

from kos.sched.policy import NICE_0_WEIGHT, WEIGHTS, in_use, queued
from kos.sched.structs import run_queues, tasks

Boot = Callable[..., PolicyBox]


@pytest.fixture
def scheduler(boot: Boot, sched_plugin: str) -> Any:
    boot(sched_plugin)
    return in_use.scheduler


@pytest.fixture
def rq(scheduler: Any) -> Iterator[Any]:
    """CPU 0's run queue, empty."""
    queue = run_queues[1]
    queue.clear()
    yield queue


def new_tasks(count: int, weight: int = NICE_0_WEIGHT) -> list[Any]:
    made = []
    for pid in range(1, count + 1):
        task = tasks.alloc()
        assert task is not None
        task.pid, task.weight = pid, weight
        made.append(task)
    return made


def test_every_task_gets_its_turn(scheduler: Any, rq: Any) -> None:
    """Ten equal tasks that never sleep: after 200 slices the shares of any two differ by little."""
    ran = dict.fromkeys(range(1, 11), 0)
    for task in new_tasks(10):
        scheduler.enqueue(rq, task, False)
    for _ in range(200):
        task = scheduler.pick_next(rq)
        while not scheduler.tick(rq, task):
            scheduler.ran(rq, task, 5_000_000)
            ran[task.pid] += 5
        scheduler.enqueue(rq, task, False)

    assert len(queued(rq)) == 10
    assert min(ran.values()) > 0
    assert max(ran.values()) <= 1.5 * min(ran.values())


def test_a_nice_task_gets_less(scheduler: Any, rq: Any) -> None:
    """Two tasks, nice 0 and nice 10: both run, the first one more."""
    kind, nice = new_tasks(2)
    nice.weight = WEIGHTS[30]
    ran = {kind.pid: 0, nice.pid: 0}
    for task in (nice, kind):
        scheduler.enqueue(rq, task, False)
    for _ in range(100):
        task = scheduler.pick_next(rq)
        while not scheduler.tick(rq, task):
            scheduler.ran(rq, task, 5_000_000)
            ran[task.pid] += 5
        scheduler.enqueue(rq, task, False)

    assert 0 < ran[nice.pid] < ran[kind.pid]


def test_a_model_agrees(scheduler: Any, rq: Any) -> None:
    """Random arrivals, departures and turns: what is queued is always the set that the model has."""
    rng = random.Random(11)
    sleeping = new_tasks(12)
    waiting: dict[int, Any] = {}
    for _ in range(600):
        op = rng.random()
        if op < 0.45 and sleeping:
            task = sleeping.pop(rng.randrange(len(sleeping)))
            scheduler.enqueue(rq, task, rng.random() < 0.5)
            waiting[task.pid] = task
        elif op < 0.8:
            task = scheduler.pick_next(rq)
            assert (task is None) == (not waiting)
            if task is not None:
                del waiting[task.pid]
                scheduler.ran(rq, task, rng.randrange(30_000_000))
                sleeping.append(task)
        elif waiting:
            task = waiting.pop(rng.choice(list(waiting)))
            scheduler.dequeue(rq, task)
            sleeping.append(task)
        assert sorted(t.pid for t in queued(rq)) == sorted(waiting)
        assert rq.nr_queued == len(waiting)
