"""System calls on signals. Numbers and sets are checked here; what a signal does is kos/proc/signal.py's."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.proc import signal
from kos.proc.sigdefs import NSIG, UNBLOCKABLE, bit, signals_in
from kos.sched.structs import SLEEPING, Task, process_of, sighands, signal_lock
from kos.syscall.table import syscall
from kos.traps import Wait

SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = range(3)
_HANDLERS = 1  #: word of Task.restart: handlers delivered before the call, plus 1


@syscall("sigaction")
def sigaction(sig: int, disposition: int | None = None) -> int:
    """Set what the process does with a signal (0 default, 1 ignore, 2 handler; None = only ask); the old one."""
    process = process_of(this.task)
    if disposition is None:
        if not 0 < sig < NSIG:
            raise GuestFault(errno.EINVAL)
        return int(sighands[process.sighand].action[sig])
    return signal.set_action(process, sig, disposition)


@syscall("sigprocmask")
def sigprocmask(how: int, sigs: Iterable[int]) -> frozenset[int]:
    """Change the caller's mask; the old one. Signals that are unblocked and pending come before the return."""
    task: Task = this.task
    mask = _mask(sigs)
    if how == SIG_BLOCK:
        mask |= task.blocked
    elif how == SIG_UNBLOCK:
        mask = task.blocked & ~mask
    elif how != SIG_SETMASK:
        raise GuestFault(errno.EINVAL)
    return frozenset(signals_in(signal.set_blocked(task, mask)))


@syscall("sigpending")
def sigpending() -> set[int]:
    return set(signals_in(signal.pending_set(this.task)))


@syscall("sigwait")
def sigwait(sigs: Iterable[int]) -> int | Wait:
    """Take one of these signals off the pending ones, or sleep until one is sent; handlers do not run for it."""
    task: Task = this.task
    wanted = _mask(sigs)
    process = process_of(task)
    with signal_lock(process):
        task.waiting_for = 0
        sig = signal.dequeue_from(task, wanted)
        if sig:
            return sig
        # Under the signal lock, so that a sender sees either the sleep or, before it, our look found the signal.
        task.waiting_for = wanted
        task.state = SLEEPING
    return Wait(0)


@syscall("pause")
def pause() -> Wait | None:
    """Sleep until a handler has run. CPython turns the EINTR that this is in C into a normal return."""
    task: Task = this.task
    if task.restart[_HANDLERS]:
        if task.nr_handlers + 1 != task.restart[_HANDLERS]:
            task.restart[_HANDLERS] = 0
            return None
    elif signal.handler_pending(task):
        return None  # it runs on the way out
    task.restart[_HANDLERS] = task.nr_handlers + 1
    task.state = SLEEPING  # on no queue: only a signal wakes it, and switch_out() sees one that has come already
    return Wait(0)


@syscall("siginterrupt")
def siginterrupt(sig: int, flag: bool) -> None:
    """Whether a handler interrupts system calls. CPython runs the call again either way (PEP 475): nothing to do."""
    if not 0 < sig < NSIG or bit(sig) & UNBLOCKABLE:
        raise GuestFault(errno.EINVAL)


def _mask(sigs: Iterable[int]) -> int:
    mask = 0
    for sig in sigs:
        if not 0 < sig < NSIG:
            raise GuestFault(errno.EINVAL)
        mask |= bit(sig)
    return mask
