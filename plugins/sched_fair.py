"""Fair scheduling by virtual run time, after Linux's CFS (Ingo Molnar, 2007; kernel/sched/fair.c, Linux 6.0).

Every task carries its run time divided by its weight, and the queue is kept in that order: the one that has had
least runs next, so that over time each gets the share that its `nice` says. What is kept from CFS: weights,
min_vruntime, the bonus of half a latency for a sleeper, the wake-up granularity. What is not: group scheduling,
and the red-black tree (a linked list searched from its end: queues are short, and a preempted task goes far back).
"""

from __future__ import annotations

from kos.api import NICE_0_WEIGHT, RunQueue, Scheduler, Task, hookimpl, insert_before, remove, tasks

LATENCY_NS = 24_000_000  #: every ready task runs once within it (sysctl_sched_latency, scaled up)
MIN_GRANULARITY_NS = 3_000_000  #: but for at least so long
WAKEUP_GRANULARITY_NS = 4_000_000  #: a woken task must be so far behind to preempt


class Fair:
    """Least virtual run time first."""

    name = "fair"

    def enqueue(self, rq: RunQueue, task: Task, woken: bool) -> None:
        # A sleeper must not save up its time and then hold the CPU; nor may a task bring its count from a CPU
        # whose tasks are far behind or ahead of ours (place_entity() of fair.c).
        floor = max(rq.min_vruntime - LATENCY_NS // 2, 0)
        ceiling = rq.min_vruntime + 4 * LATENCY_NS
        task.vruntime = min(max(task.vruntime, floor), ceiling)
        after = 0
        i = rq.tail
        while i and tasks[i].vruntime > task.vruntime:
            after = i
            i = tasks[i].rq_prev
        insert_before(rq, task, after)

    def pick_next(self, rq: RunQueue) -> Task | None:
        if not rq.head:
            return None
        task = tasks[rq.head]
        remove(rq, task)
        task.slice_ns = self._slice(rq, task)
        if task.vruntime > rq.min_vruntime:
            rq.min_vruntime = task.vruntime
        return task

    def dequeue(self, rq: RunQueue, task: Task) -> None:
        remove(rq, task)

    def ran(self, rq: RunQueue, task: Task, ran_ns: int) -> None:
        task.vruntime += ran_ns * NICE_0_WEIGHT // (task.weight or NICE_0_WEIGHT)
        task.slice_ns = max(task.slice_ns - ran_ns, 0)

    def tick(self, rq: RunQueue, task: Task) -> bool:
        return task.slice_ns == 0

    def preempts(self, rq: RunQueue, current: Task, woken: Task) -> bool:
        return woken.vruntime + WAKEUP_GRANULARITY_NS < current.vruntime

    def _slice(self, rq: RunQueue, task: Task) -> int:
        """The task's share of one latency, by weight (sched_slice() of fair.c)."""
        total = rq.load + task.weight
        return max(LATENCY_NS * task.weight // max(total, 1), MIN_GRANULARITY_NS)


@hookimpl
def kos_scheduler() -> Scheduler:
    return Fair()
