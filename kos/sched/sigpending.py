"""Task.sigpending: has a task a signal, or a stop, to look at before it goes on? Kept here, below who sends signals."""

from __future__ import annotations

from kos.sched.structs import JC_STOP_PENDING, PF_TELL_CONTINUED, PF_TELL_STOPPED, Task, processes, signal_locks


def recalc_sigpending(task: Task) -> bool:
    """Does the current task still have a signal to look at? Linux: recalc_sigpending_tsk()."""
    process = processes[task.process]
    with signal_locks[process.index]:
        return recalc_sigpending_locked(task)


def recalc_sigpending_locked(task: Task) -> bool:
    process = processes[task.process]
    found = bool(
        (task.pending | process.shared_pending) & ~task.blocked
        or task.jobctl & JC_STOP_PENDING
        or process.flags & (PF_TELL_CONTINUED | PF_TELL_STOPPED)
    )
    task.sigpending = 1 if found else 0
    return found
