"""What a task does about its own signals: block them, look at those that wait, wait for one. Linux: kernel/signal.c."""

from __future__ import annotations

from kos.hw.cpu import this
from kos.proc.sigdefs import UNBLOCKABLE, signals_in
from kos.proc.signal import offer_locked, take_locked
from kos.proc.sigqueue import Info
from kos.sched.sigpending import recalc_sigpending_locked
from kos.sched.structs import SLEEPING, Task, process_of, signal_lock


def pending_set(task: Task) -> int:
    """What sigpending() shows: blocked signals that have been sent."""
    process = process_of(task)
    with signal_lock(process):
        return (task.pending | process.shared_pending) & task.blocked


def set_blocked(task: Task, mask: int) -> int:
    """The current task blocks these signals, SIGKILL and SIGSTOP excepted; returns the old mask.

    A signal that waits for the process and that this task blocks now is offered to another thread
    (Linux: retarget_shared_pending()).
    """
    process = process_of(task)
    with signal_lock(process):
        old: int = task.blocked
        mask &= ~UNBLOCKABLE
        newly = mask & ~old
        task.blocked = mask
        if recalc_sigpending_locked(task):
            this.pending[0] = 1  # what was unblocked is delivered before the call returns
        for sig in signals_in(process.shared_pending & newly):
            offer_locked(process, sig)
    return old


def wait_for(task: Task, wanted: int, sleep: bool = True) -> tuple[int, Info]:
    """Take a pending signal of the set `wanted` off the current task or its process; 0 = there is none.

    sleep: then the task is SLEEPING until one is sent; stop_waiting() when it is awake.
    """
    process = process_of(task)
    with signal_lock(process):
        sig, info = take_locked(process, task, wanted)
        if not sig and sleep:
            # Under the lock, so that a sender sees either the sleep or, before it, our look found the signal.
            task.waiting_for = wanted
            task.state = SLEEPING
    return sig, info


def stop_waiting(task: Task) -> None:
    """The sleep in wait_for() is over: what was left to this task meanwhile is offered to the others."""
    if not task.waiting_for:
        return
    process = process_of(task)
    with signal_lock(process):
        wanted, task.waiting_for = task.waiting_for, 0
        for sig in signals_in(process.shared_pending & wanted):
            offer_locked(process, sig)
