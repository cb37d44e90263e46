"""Which CPU: placing new and woken tasks, and moving tasks from busy CPUs to idle ones.

Three ways, from cheap to dear. A task whose context is saved is placed, or stolen from its queue, by any CPU. A CPU
that has become idle asks the busiest one for a task (RESCHED with a request), which saves its current task and
sends it. And a CPU that finds at a timer tick that others wait in its queue while some CPU is idle acts as if it
had been asked. Moving a hot task costs a save and a restore, so nobody moves one at each wake-up: two tasks that
take turns over a pipe would only chase each other around the machine.
"""

from __future__ import annotations

from kos.hw.cpu import this
from kos.hw.ipi import RESCHED, send_ipi
from kos.platform.host.clock import now_ns
from kos.sched.policy import in_use, queued
from kos.sched.structs import RunQueue, Task, machine, rq_locks, run_queues

LOOK, PULL = 0, 1  #: first word of a RESCHED message: look around; an idle CPU asks for a task
ASK_AGAIN_NS = 10_000_000  #: an idle CPU repeats its request after so long


class _Requests:
    """Idle CPUs that wait for a task from this one (this process only: a request is an interrupt's remains)."""

    mask = 0
    asked_ns = 0  #: when this CPU, idle itself, last asked


_requests = _Requests()


def nr_running(cpu: int) -> int:
    """Runnable tasks of a CPU, the current one included. A hint, without the lock."""
    rq = run_queues[cpu + 1]
    return rq.nr_queued + (1 if rq.current else 0)


def idlest(mask: int) -> int:
    """The allowed CPU with the least to do; this one where it is as good as any other."""
    best, least = -1, 1 << 62
    for cpu in range(machine.s.nr_cpus):
        if mask >> cpu & 1:
            n = 2 * nr_running(cpu) + (0 if cpu == this.id else 1)
            if n < least:
                best, least = cpu, n
                if n == 0:
                    break
    return best if best >= 0 else 0


def choose_cpu(task: Task) -> int:
    """Where a woken task goes, the lock of its run queue held: where it was, unless it may move to an idle CPU."""
    cpu: int = task.cpu
    if not task.ctx_len:
        return cpu
    if task.affinity >> cpu & 1 and not nr_running(cpu):
        return cpu
    best = idlest(task.affinity)
    if not task.affinity >> cpu & 1 or nr_running(best) < nr_running(cpu):
        return best
    return cpu


def pull(me: int) -> bool:
    """Steal a saved task for this CPU, which has nothing to run; else ask the busiest CPU. True when one came."""
    nr_cpus = machine.s.nr_cpus
    if nr_cpus == 1:
        return False
    busy = sorted((c for c in range(nr_cpus) if c != me and run_queues[c + 1].nr_queued), key=lambda c: -nr_running(c))
    for cpu in busy:
        task = _steal(cpu, me)
        if task is not None:
            with rq_locks[me]:
                in_use.scheduler.enqueue(run_queues[me + 1], task, False)
                run_queues[me + 1].nr_migrated_in += 1
            this.block.nr_migrations += 1
            return True
    if busy and run_queues[busy[0] + 1].current:
        now = now_ns()
        if now - _requests.asked_ns > ASK_AGAIN_NS:
            _requests.asked_ns = now
            send_ipi(busy[0], RESCHED, PULL)
    return False


def _steal(cpu: int, me: int) -> Task | None:
    """Take a saved task off another CPU's queue; None when it has none, or its lock is busy."""
    lock = rq_locks[cpu]
    if not lock.try_acquire():
        return None
    try:
        rq = run_queues[cpu + 1]
        for task in queued(rq):
            if task.ctx_len and task.affinity >> me & 1:
                in_use.scheduler.dequeue(rq, task)
                task.cpu = me
                return task
    finally:
        lock.release()
    return None


def note_request(sender: int) -> None:
    """Interrupt handler's part: an idle CPU wants a task."""
    _requests.mask |= 1 << sender


def pulls_waiting() -> bool:
    return _requests.mask != 0


def push_on_tick(rq: RunQueue) -> None:
    """At a tick: if tasks wait here while a CPU is idle, act as if it had asked."""
    if not rq.nr_queued:
        _requests.mask = 0
        return
    for cpu in range(machine.s.nr_cpus):
        if cpu != this.id and not nr_running(cpu):
            _requests.mask |= 1 << cpu
            return


def take_request(task: Task) -> int | None:
    """A CPU that is idle, has asked, and may run the task; its request is used up. None = keep the task."""
    mask, _requests.mask = _requests.mask, 0
    if not mask or not run_queues[this.id + 1].nr_queued:
        return None
    for cpu in range(machine.s.nr_cpus):
        if mask >> cpu & 1 and task.affinity >> cpu & 1 and not nr_running(cpu):
            return cpu
    return None
