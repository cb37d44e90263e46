"""Stopping and continuing whole processes, and telling the parent. Linux: do_signal_stop(), prepare_signal().

A stop begins in the task that takes the stop signal: every task of the process is marked, woken or interrupted, and
stops by itself on its way back to the guest; the last one tells the parent. SIGCONT undoes it when it is *sent*: marks
are cleared and stopped tasks made ready by the sender, even if the signal is blocked or ignored; the parent is told
by the first task that runs.
"""

from __future__ import annotations

from kos.proc import tree
from kos.proc.sigdefs import CLD_CONTINUED, CLD_STOPPED, SIGCHLD, SIGCONT, SIGSTOP
from kos.proc.sigqueue import Info
from kos.sched import sched, waitqueue
from kos.sched.sigpending import recalc_sigpending_locked
from kos.sched.structs import (
    JC_STOP_COUNTED,
    JC_STOP_PENDING,
    PF_CONTINUED,
    PF_STOPPED,
    PF_TELL_CONTINUED,
    PF_TELL_STOPPED,
    PL_STOP_UNREAD,
    PL_ZOMBIE,
    SLEEPING,
    STOPPED,
    Process,
    Task,
    machine,
    processes,
    signal_lock,
    tasklist_lock,
    threads_of,
)


def may_stop(process: Process, sig: int) -> bool:
    """SIGSTOP always stops; the terminal's signals do not stop a group that nobody could continue."""
    if sig == SIGSTOP:
        return True
    with tasklist_lock:
        return not tree.is_orphaned_group(process.pgid)


def begin_stop_locked(process: Process, sig: int) -> None:
    """Mark every task of the process for a group stop; signal lock held."""
    if process.stop_sig:
        return  # one is under way or complete: a new signal joins it
    process.stop_sig = sig
    process.flags &= ~PF_CONTINUED
    for t in threads_of(process):
        if not t.exiting and not t.jobctl & JC_STOP_COUNTED:
            t.jobctl |= JC_STOP_PENDING | JC_STOP_COUNTED
            process.nr_to_stop += 1
            t.sigpending = 1
            sched.kick(t, 1 << SLEEPING)


def stop_here_locked(process: Process, task: Task) -> bool:
    """The current task takes part in the stop: STOPPED from here. Was it the last one? Signal lock held."""
    task.jobctl &= ~JC_STOP_PENDING
    task.last_stop = 0
    task.state = STOPPED
    last = leave_stop_locked(process, task)
    recalc_sigpending_locked(task)
    return last


def leave_stop_locked(process: Process, task: Task) -> bool:
    """The task is stopped, or exits, and is not waited for any more. True when that completes the stop."""
    if not task.jobctl & JC_STOP_COUNTED:
        return False
    task.jobctl &= ~(JC_STOP_COUNTED | JC_STOP_PENDING)
    process.nr_to_stop -= 1
    if process.nr_to_stop or process.flags & PF_STOPPED:
        return False
    process.flags |= PF_STOPPED
    return True


def continue_locked(process: Process) -> None:
    """SIGCONT is sent: no stop is pending or in force any more. Signal lock and tasklist_lock held."""
    was_stopped = process.flags & PF_STOPPED
    was_stopping = process.nr_to_stop
    for t in threads_of(process):
        t.jobctl = 0
        t.last_stop = 0
        if was_stopped or was_stopping:
            t.sigpending = 1  # one of them tells the parent
        sched.wake(t, 1 << STOPPED)
    process.nr_to_stop = 0
    process.stop_sig = 0
    if was_stopped:
        process.flags = process.flags & ~PF_STOPPED | PF_CONTINUED | PF_TELL_CONTINUED
        process.life &= ~PL_STOP_UNREAD
        tree.add_report(process)
    elif was_stopping:
        process.flags |= PF_CONTINUED | PF_TELL_STOPPED
        tree.add_report(process)


def tell_parent_of(process: Process, owed: int) -> None:
    """Tell the parent of a stop that is complete (owed = 0), or of a continue. No lock held."""
    with tasklist_lock:
        if process.life & PL_ZOMBIE or not process.parent:
            return
        if owed == 0:
            with signal_lock(process):
                still = process.flags & PF_STOPPED
            if not still:
                return
            process.life |= PL_STOP_UNREAD
            tree.add_report(process)
        notify_parent_locked(process, CLD_CONTINUED if owed & PF_TELL_CONTINUED else CLD_STOPPED)


def notify_parent_locked(process: Process, code: int) -> None:
    """SIGCHLD to the parent, and its waiters woken; tasklist_lock held. Linux: do_notify_parent_cldstop()."""
    from kos.proc import signal  # signal.py's collect() calls this module

    parent = processes[process.parent]
    number = SIGCONT if code == CLD_CONTINUED else process.stop_sig
    with signal_lock(parent):
        signal.send_locked(parent, SIGCHLD, info=Info(code, process.pid, machine.s.uid, number))
    waitqueue.wake_all(parent.children)
