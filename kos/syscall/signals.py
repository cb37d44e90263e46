"""System calls on signals. Numbers and sets are checked here; what a signal does is kos/proc/signal.py's."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.platform.host.clock import now_ns
from kos.proc import sigmask, signal
from kos.proc.sigdefs import NSIG, UNBLOCKABLE, bit, signals_in
from kos.sched.structs import SLEEPING, Task, process_of, sighands
from kos.syscall.table import syscall
from kos.traps import Wait

SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = range(3)
_HANDLERS = 1  #: word of Task.restart: handlers delivered before the call, plus 1
_DEADLINE = 0  #: the same of sigtimedwait: when it gives up, host clock; 0 = first time round
_NEVER = (1 << 64) - 1


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
    return frozenset(signals_in(sigmask.set_blocked(task, mask)))


@syscall("sigpending")
def sigpending() -> set[int]:
    return set(signals_in(sigmask.pending_set(this.task)))


@syscall("sigwait")
def sigwait(sigs: Iterable[int]) -> int | Wait:
    """Take one of these signals off the pending ones, or sleep until one is sent; handlers do not run for it."""
    sig, _ = sigmask.wait_for(this.task, _mask(sigs))
    return sig or Wait(0)


@syscall("sigtimedwait")
def sigtimedwait(sigs: Iterable[int], timeout_ns: int) -> tuple[int, int, int, int, int] | Wait | None:
    """The same with siginfo: (signal, code, pid, uid, status); None after timeout_ns (-1: never). Handlers run."""
    task: Task = this.task
    deadline = int(task.restart[_DEADLINE])
    if not deadline:
        deadline = _NEVER if timeout_ns < 0 else now_ns() + timeout_ns
    in_time = deadline > now_ns()
    sig, info = sigmask.wait_for(task, _mask(sigs), in_time)
    task.restart[_DEADLINE] = 0
    if sig:
        return sig, *info
    if not in_time:
        return None
    task.restart[_DEADLINE] = deadline
    return Wait(0 if deadline == _NEVER else deadline)


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
