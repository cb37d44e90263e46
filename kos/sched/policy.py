"""The scheduler as a policy: which of a run queue's tasks runs next, and for how long.

The mechanism (states, wake-ups, which CPU, migration) is kos.sched.sched's; a policy only orders one queue. Its
state lives in the arena: `Task.vruntime`, `Task.slice_ns`, `Task.policy_words`, `RunQueue.min_vruntime` and
`RunQueue.policy_words` are its own. The shipped ones are plugins/sched_rr.py (the default) and plugins/sched_fair.py.
"""

from __future__ import annotations

from kos.arena.list import LinkedList
from kos.errors import KernelBug
from kos.hooks.policies import Scheduler as Scheduler
from kos.sched.structs import RunQueue, Task, tasks

#: Weight of nice -20..19: one step is worth 10 % of CPU time. Linux 6.0 kernel/sched/core.c, sched_prio_to_weight.
WEIGHTS = (
    *(88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916),
    *(9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277),
    *(1024, 820, 655, 526, 423, 335, 272, 215, 172, 137),
    *(110, 87, 70, 56, 45, 36, 29, 23, 18, 15),
)
NICE_0_WEIGHT = 1024


_queue = LinkedList(RunQueue, tasks, head="head", tail="tail", next="rq_next", prev="rq_prev")
queued = _queue.items  #: the tasks that wait, in order; the queue's lock held


def push_back(rq: RunQueue, task: Task) -> None:
    """Link at the end of the queue."""
    if task.on_rq:
        raise KernelBug(f"pid {task.pid} is on a run queue already")
    _queue.append(rq, task)
    task.on_rq = 1
    rq.nr_queued += 1
    rq.load += task.weight


def insert_before(rq: RunQueue, task: Task, successor: int) -> None:
    """Link in front of the queued task in slot `successor`; 0 = at the end."""
    if task.on_rq:
        raise KernelBug(f"pid {task.pid} is on a run queue already")
    _queue.insert_before(rq, task, successor)
    task.on_rq = 1
    rq.nr_queued += 1
    rq.load += task.weight


def remove(rq: RunQueue, task: Task) -> None:
    """Unlink from the queue."""
    if not task.on_rq:
        raise KernelBug(f"pid {task.pid} is on no run queue")
    _queue.remove(rq, task)
    task.on_rq = 0
    rq.nr_queued -= 1
    rq.load -= task.weight


class _InUse:
    """The policy of this machine; set at boot, before the CPUs are forked."""

    scheduler: Scheduler


in_use = _InUse()
