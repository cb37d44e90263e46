"""What a task may ask of the scheduler: where it runs (sched_setaffinity), and how often (nice)."""

from __future__ import annotations

from kos.hw.cpu import this
from kos.hw.ipi import RESCHED, send_ipi
from kos.sched import balance
from kos.sched.policy import in_use
from kos.sched.sched import lock_of, put_on_queue
from kos.sched.structs import Task, run_queues


def set_affinity(task: Task, mask: int) -> None:
    """The task may run only on the CPUs in mask, which is not empty. It moves when it is next switched out."""
    lock = lock_of(task)
    cpu = task.cpu
    task.affinity = mask
    wrong = not mask >> cpu & 1
    moved = False
    if wrong and task.on_rq and task.ctx_len:
        in_use.scheduler.dequeue(run_queues[cpu + 1], task)
        task.cpu = balance.idlest(mask)
        moved = True
    elif wrong and task.on_cpu:
        run_queues[cpu + 1].need_resched = 1
    lock.release()
    if moved:
        put_on_queue(task, task.cpu, woken=False)
    elif wrong and cpu == this.id:
        this.pending[0] = 1
    elif wrong:
        send_ipi(cpu, RESCHED, balance.LOOK)


def set_nice(task: Task, nice: int, weight: int) -> None:
    """Change a task's priority; a queued one keeps its place."""
    lock = lock_of(task)
    if task.on_rq:
        run_queues[task.cpu + 1].load += weight - task.weight
    task.nice = nice
    task.weight = weight
    lock.release()
