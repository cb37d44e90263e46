"""Rule 6: with all tasks gone every lock is free, every interrupt queue is empty, and nobody waits."""

from __future__ import annotations

from kos.hw.cpu import cpu_block, this
from kos.proc import sigqueue
from kos.sched.structs import machine, run_queues, tasks
from kos.sync import spinlock


def audit_quiet() -> list[str]:
    """Problems found; the machine is quiet and its CPUs idle."""
    problems = [f"lock {lock.name!r} is held" for lock in spinlock.ALL if not lock.is_free()]
    init = 1
    left = [t for t in tasks.used() if t.pid != init]
    problems += [f"task slot {t.index} (pid {t.pid}, state {t.state}) was never freed" for t in left]
    if machine.s.nr_tasks:
        problems.append(f"{machine.s.nr_tasks} tasks are still counted, none is left")
    if sigqueue.entries.head.nr_used:
        problems.append(f"{sigqueue.entries.head.nr_used} signals still wait, for nobody")
    for cpu in range(this.nr_cpus):
        rq = run_queues[cpu + 1]
        if rq.nr_queued or rq.current:
            problems.append(f"cpu {cpu}: {rq.nr_queued} tasks queued, current slot {rq.current}; expected none")
        held = [lock_id for lock_id in list(cpu_block(cpu).held) if lock_id]
        if held:
            problems.append(f"cpu {cpu} holds locks {[spinlock.lock_name(i) for i in held]}")
    return problems
