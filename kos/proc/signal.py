"""Signals: sending, choosing who takes one, taking it. Job control's part is in jobctl.py, kill() in kill.py.

    send_locked()   pending in the task (tgkill, faults) or the process (kill), a task chosen and woken
    collect()       on the way back to the guest: default actions happen, handlers are "tripped"
    next_handler()  the handlers to run now, one by one

The kernel knows one of three dispositions a signal; handlers themselves are Python functions in the guest's world,
and run as CPython runs them: in the main task, between two of its bytecodes, with no signal blocked on their
account. So a handler signal that another thread takes only trips the main task's flag, as CPython's C handler does,
and does not interrupt a call that the main task sleeps in.

Follows Linux 6.0 kernel/signal.c: prepare_signal(), complete_signal(), get_signal(). Pending sets, masks and flags
are under the process's signal lock; `Task.sigpending` is stored under it and read without.
"""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.proc import jobctl, sigqueue
from kos.proc.sigdefs import (
    HANDLER,
    IGNORED_BY_DEFAULT,
    KILL_BIT,
    NSIG,
    SIG_DFL,
    SIG_IGN,
    SIGCONT,
    SIGKILL,
    SIGRTMIN,
    STOP_SIGNALS,
    SYNCHRONOUS,
    UNBLOCKABLE,
    bit,
    signals_in,
)
from kos.proc.sigqueue import FROM_KERNEL, Info
from kos.sched import sched
from kos.sched.sigpending import recalc_sigpending_locked
from kos.sched.structs import (
    BLOCKED,
    JC_STOP_PENDING,
    PF_GROUP_EXIT,
    PF_TELL_CONTINUED,
    PF_TELL_STOPPED,
    PL_INIT,
    SLEEPING,
    STOPPED,
    Process,
    Task,
    process_of,
    processes,
    sighands,
    signal_lock,
    tasks,
    threads_of,
)
from kos.trace.events import SIGNAL

NOTHING, STOP, FATAL = 0, -1, -2  #: what collect() has found
_WAKE_FATAL = 1 << SLEEPING | 1 << BLOCKED | 1 << STOPPED


# --- state ----------------------------------------------------------------------------------------------


def pending(task: Task) -> bool:
    """Does a signal interrupt what the task does? To be asked by calls that are about to sleep, without a lock."""
    return bool(task.sigpending)


def attention(task: Task) -> bool:
    """Is there anything for collect() or next_handler() to do? Asked before every return to the guest."""
    return bool(task.sigpending or task.tripped)


def fatal_pending(task: Task) -> bool:
    """Will the task die before it runs guest code again?"""
    return bool(task.pending & KILL_BIT or processes[task.process].flags & PF_GROUP_EXIT)


def is_killed(task: Task) -> bool:
    """fatal_pending() by the name that the main loop uses."""
    return fatal_pending(task)


def handler_pending(task: Task) -> bool:
    """Would a handler run if the call returned now? Such a signal makes it fail with EINTR, others do not."""
    if task.tripped:
        return True
    process = process_of(task)
    action = sighands[process.sighand].action
    with signal_lock(process):
        found = (task.pending | process.shared_pending) & ~task.blocked
        return any(action[sig] == HANDLER for sig in signals_in(found))


def set_action(process: Process, sig: int, disposition: int) -> int:
    """sigaction(): the old disposition. A signal that is now ignored is dropped where it was pending."""
    if not 0 < sig < NSIG or bit(sig) & UNBLOCKABLE:
        raise GuestFault(errno.EINVAL)
    with signal_lock(process):
        action = sighands[process.sighand].action
        old = int(action[sig])
        action[sig] = disposition
        if disposition == SIG_IGN or (disposition == SIG_DFL and bit(sig) & IGNORED_BY_DEFAULT):
            forget_pending_locked(process, bit(sig))
    return old


# --- sending ----------------------------------------------------------------------------------------------


def send_locked(process: Process, sig: int, task: Task | None = None, info: Info = FROM_KERNEL) -> bool:
    """Send a signal to a process, or to one task of it; its signal lock held, and tasklist_lock for SIGCONT.

    info: what sigwaitinfo() will tell of it. False when it changed nothing: ignored, pending already (a standard
    signal), or the process is dying.
    """
    if process.life & PL_INIT or process.flags & PF_GROUP_EXIT:
        return False
    if bit(sig) & STOP_SIGNALS:
        forget_pending_locked(process, bit(SIGCONT))
    elif sig == SIGCONT:
        forget_pending_locked(process, STOP_SIGNALS)
        jobctl.continue_locked(process)
    target = task if task is not None else tasks[process.leader]
    if _is_ignored(process, target, sig):
        return False
    waiting = task.pending if task is not None else process.shared_pending
    if waiting & bit(sig) and sig < SIGRTMIN:
        return False
    if task is not None:
        task.pending |= bit(sig)
    else:
        process.shared_pending |= bit(sig)
    chosen = _choose(process, sig, task)
    if chosen is not None and _is_fatal(process, sig) and not (chosen.blocked & bit(sig) and sig != SIGKILL):
        group_exit_locked(process, sig)
        return True
    sigqueue.append_locked(process if task is None else task, sig, info)
    if chosen is not None:
        _wake_for(chosen, sig)
    return True  # where all block it, it waits


def send(process: Process, sig: int, task: Task | None = None, info: Info = FROM_KERNEL) -> bool:
    """send_locked(), taking the lock; not for SIGCONT."""
    with signal_lock(process):
        return send_locked(process, sig, task, info)


def offer_locked(process: Process, sig: int) -> None:
    """A signal that waits for the process finds a task that takes it, if there is one; signal lock held."""
    other = _choose(process, sig, None)
    if other is not None:
        _wake_for(other, sig)


def force(task: Task, sig: int) -> None:
    """A fault of the current task: a signal that cannot be blocked or ignored away. Linux: force_sig()."""
    process = process_of(task)
    with signal_lock(process):
        action = sighands[process.sighand].action
        if action[sig] == SIG_IGN or task.blocked & bit(sig):
            action[sig] = SIG_DFL
            task.blocked &= ~bit(sig)
        task.pending |= bit(sig)
        task.sigpending = 1


def group_exit_locked(process: Process, status: int) -> None:
    """Every task of the process is to die, whatever it does; signal lock held. The first status counts."""
    if process.flags & PF_GROUP_EXIT:
        return
    process.flags = PF_GROUP_EXIT
    process.exit_status = status & 0xFFFF
    process.stop_sig = process.nr_to_stop = 0
    for t in threads_of(process):
        kill_task_locked(t)


def kill_task_locked(task: Task) -> None:
    """This task is to die: woken where it sleeps or is stopped, interrupted where it runs; signal lock held."""
    task.jobctl = 0
    if task.exiting:
        return
    task.pending |= KILL_BIT
    task.sigpending = 1
    sched.kick(task, _WAKE_FATAL)


def forget_pending_locked(process: Process, mask: int) -> None:
    """Drop these signals wherever they are pending in the process; signal lock held."""
    if process.shared_pending & mask:
        process.shared_pending &= ~mask
        sigqueue.drop_locked(process, mask)
    for t in threads_of(process):
        if t.pending & mask:
            t.pending &= ~mask
            sigqueue.drop_locked(t, mask)


def _is_ignored(process: Process, task: Task, sig: int) -> bool:
    """A blocked signal is never ignored when it is sent: its action may change before it is unblocked."""
    if task.blocked & bit(sig):
        return False
    action = sighands[process.sighand].action[sig]
    return bool(action == SIG_IGN or (action == SIG_DFL and bit(sig) & IGNORED_BY_DEFAULT))


def _is_fatal(process: Process, sig: int) -> bool:
    if bit(sig) & (IGNORED_BY_DEFAULT | STOP_SIGNALS):
        return False
    return sig == SIGKILL or sighands[process.sighand].action[sig] == SIG_DFL


def _choose(process: Process, sig: int, task: Task | None) -> Task | None:
    """Who takes the signal: the task it was sent to; of a process the main task if it can, else any that can.

    A stopped task takes SIGKILL alone: what else comes waits until it is continued. Linux: wants_signal().
    """
    candidates = [task] if task is not None else threads_of(process)
    for t in candidates:
        if not t.exiting and t.waiting_for & bit(sig):
            return t
    for t in candidates:
        if not t.exiting and (sig == SIGKILL or not (t.blocked & bit(sig) or t.state == STOPPED)):
            return t
    return None


def _wake_for(task: Task, sig: int) -> None:
    task.sigpending = 1
    sched.kick(task, 1 << SLEEPING | (1 << STOPPED | 1 << BLOCKED if sig == SIGKILL else 0))


# --- taking -----------------------------------------------------------------------------------------------


def collect(task: Task) -> int:
    """Let the current task's signals happen: NOTHING, STOP or FATAL. Handlers are left in Task.tripped.

    STOP: the task is STOPPED now, and is to be switched out; call again when it runs. FATAL: it is to call
    exit.do_group_exit(fatal_status(task)). No lock may be held.
    """
    process = process_of(task)
    lock = signal_lock(process)
    while True:
        with lock:
            if process.flags & PF_GROUP_EXIT or task.pending & KILL_BIT:
                return FATAL
            owed = process.flags & (PF_TELL_CONTINUED | PF_TELL_STOPPED)
            process.flags &= ~owed
            if not owed:
                if task.jobctl & JC_STOP_PENDING:
                    last = jobctl.stop_here_locked(process, task)
                    break
                sig, _ = take_locked(process, task, ~task.blocked)
                if bit(sig or SIGCONT) & STOP_SIGNALS:
                    task.last_stop = sig  # continue_locked() clears it
                if sig == 0:
                    recalc_sigpending_locked(task)
                    return NOTHING
                act = sighands[process.sighand].action[sig]
                this.block.nr_signals += 1
                if SIGNAL.on:
                    SIGNAL(sig=sig, action=int(act), target_pid=task.pid)
                if act == HANDLER:
                    _trip_locked(process, task, sig)
                    continue
                if act == SIG_IGN or bit(sig) & IGNORED_BY_DEFAULT:
                    continue
                if not bit(sig) & STOP_SIGNALS:
                    group_exit_locked(process, sig)
                    return FATAL
        if owed:
            jobctl.tell_parent_of(process, owed)
        elif jobctl.may_stop(process, sig):
            with lock:
                # SIGCONT or SIGKILL may have come while the lock was free: then there is no stop.
                if process.flags & PF_GROUP_EXIT or task.last_stop != sig:
                    continue
                jobctl.begin_stop_locked(process, sig)
                last = jobctl.stop_here_locked(process, task)
            break
    if last:
        jobctl.tell_parent_of(process, 0)
    return STOP


def next_handler(task: Task, after: int = 0) -> int:
    """collect(), then one handler: its signal; NOTHING, STOP or FATAL otherwise.

    after: the handler of this signal has just run; its round goes on with the next higher one. A new round begins
    only when another signal comes: until then, what waits for its turn does not interrupt a handler
    (CPython: _PyErr_CheckSignalsTstate, is_tripped).
    """
    if task.sigpending:
        outcome = collect(task)
        if outcome != NOTHING:
            return outcome
    if not task.tripped and not (after and task.round):
        return NOTHING
    with signal_lock(process_of(task)):
        if task.tripped:
            task.round |= task.tripped
            task.tripped = after = 0
        found = task.round >> after << after
        low = found & -found
        task.round &= ~low
    if not low:
        return NOTHING
    task.nr_handlers += 1
    return int(low).bit_length()


def begin_round_anew(task: Task) -> None:
    """A handler has raised: those that have not had their turn get it at the next safepoint."""
    with signal_lock(process_of(task)):
        task.tripped |= task.round
        task.round = 0
    if task.tripped:
        this.pending[0] = 1


def fatal_status(task: Task) -> int:
    """The wait status that kills the task, after FATAL."""
    process = process_of(task)
    return process.exit_status if process.flags & PF_GROUP_EXIT else SIGKILL


def take_locked(process: Process, task: Task, wanted: int) -> tuple[int, Info]:
    """Faults first, then the task's own signals, then the process's, lowest number first; (0, ...): none. Lock held."""
    owner: Task | Process = task
    found = task.pending & wanted
    if not found:
        owner = process
        found = process.shared_pending & wanted
    found = found & SYNCHRONOUS or found
    if not found:
        return 0, FROM_KERNEL
    found &= -found
    sig = int(found).bit_length()
    info, more = sigqueue.take_locked(owner, sig)
    if not more:
        if owner is task:
            task.pending &= ~found
        else:
            process.shared_pending &= ~found
    return sig, info


def _trip_locked(process: Process, task: Task, sig: int) -> None:
    """A signal with a handler was taken: its Python function runs in the main task."""
    if task.is_leader:
        task.tripped |= bit(sig)
        return
    leader = tasks[process.leader]
    if not leader.exiting:
        leader.tripped |= bit(sig)
        sched.kick(leader, 0)


def drop_handlers_locked(process: Process) -> None:
    """exec: nothing of the handlers is left; pending signals stay. Signal lock held."""
    old = sighands[process.sighand].action
    for sig in range(1, NSIG):
        if old[sig] == HANDLER:
            old[sig] = SIG_DFL
    for t in threads_of(process):
        t.tripped = t.round = 0


def is_ignored_by(process: Process, sig: int) -> bool:
    """Does the process ignore the signal outright? (SIGCHLD: its children are not kept as zombies.)"""
    return bool(sighands[process.sighand].action[sig] == SIG_IGN)
