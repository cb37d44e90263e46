"""System calls on clocks: sleeping and interval timers. Reading a clock needs no system call (as with Linux's vDSO)."""

from __future__ import annotations

from kos.hw.cpu import this
from kos.platform.host.clock import now_ns
from kos.proc import timer
from kos.sched.structs import SLEEPING, Task
from kos.syscall.table import syscall
from kos.traps import Wait

_DEADLINE = 0  #: word of Task.restart: when the sleep ends, ns of the host clock

syscall("setitimer")(timer.setitimer)
syscall("getitimer")(timer.getitimer)
syscall("alarm")(timer.alarm)


@syscall("nanosleep")
def nanosleep(ns: int) -> Wait | None:
    """Sleep so long; a handler that runs in between does not prolong it (PEP 475)."""
    task: Task = this.task
    now = now_ns()
    if not task.restart[_DEADLINE]:
        if ns <= 0:
            return None
        task.restart[_DEADLINE] = now + ns
    deadline = int(task.restart[_DEADLINE])
    if now >= deadline:
        task.restart[_DEADLINE] = 0
        return None
    task.state = SLEEPING
    return Wait(deadline)
