"""Round robin, the default scheduler: every ready task in turn, each for one time slice.

xv6's scheduler() and FreeBSD's first one, with one addition: a slice grows with the task's weight, so that `nice`
means something (nice 0: 20 ms; nice 19: the least, one tick; nice -20: 200 ms at most). A woken task waits for its
turn; it does not preempt, so two tasks that talk over a pipe cost one switch a message.
"""

from __future__ import annotations

from kos.api import NICE_0_WEIGHT, RunQueue, Scheduler, Task, hookimpl, push_back, remove, tasks

SLICE_NS = 20_000_000  #: of a task of nice 0
MIN_SLICE_NS, MAX_SLICE_NS = 5_000_000, 200_000_000


class RoundRobin:
    """First come, first served, until the slice is used up."""

    name = "rr"

    def enqueue(self, rq: RunQueue, task: Task, woken: bool) -> None:
        if woken or task.slice_ns == 0:
            weight = task.weight
            fair = SLICE_NS if weight == NICE_0_WEIGHT else SLICE_NS * weight // NICE_0_WEIGHT
            task.slice_ns = fair if MIN_SLICE_NS <= fair <= MAX_SLICE_NS else min(max(fair, MIN_SLICE_NS), MAX_SLICE_NS)
        push_back(rq, task)

    def pick_next(self, rq: RunQueue) -> Task | None:
        first = rq.head
        if not first:
            return None
        task = tasks[first]
        remove(rq, task)
        return task

    def dequeue(self, rq: RunQueue, task: Task) -> None:
        remove(rq, task)

    def ran(self, rq: RunQueue, task: Task, ran_ns: int) -> None:
        left = task.slice_ns
        task.slice_ns = left - ran_ns if left > ran_ns else 0

    def tick(self, rq: RunQueue, task: Task) -> bool:
        return task.slice_ns == 0

    def preempts(self, rq: RunQueue, current: Task, woken: Task) -> bool:
        return False


@hookimpl
def kos_scheduler() -> Scheduler:
    return RoundRobin()
