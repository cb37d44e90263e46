"""The border between guest and kernel: how a system call enters, waits, restarts and returns; the safepoint.

A call that can be answered at once is a plain Python call: no frame of the guest's is suspended. A call that has
to wait returns a Wait; `wait_in_call` (guest code, kos/runtime/rtl/ksys.py) traps with it and runs the call
again from its start when the task is awake, as Linux does with ERESTARTSYS. What is pending is looked at on
the way out, so that a signal that a process sends itself is handled before its next statement.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.hw.ipi import poll_ipis
from kos.platform.host.clock import now_ns
from kos.proc import signal
from kos.runtime.kernelcall import KernelCall
from kos.runtime.traps import RESCHED, Wait
from kos.sched import sched, waitqueue
from kos.trace.events import SYSCALL

Call = Callable[..., Any]


class _Resumable:
    """The guest-code half, set at boot of a CPU by `connect`: functions that return bodies."""

    wait_in_call: Call
    after_call: Call
    actions: Call


resumable = _Resumable()


class Stress:
    """--stress-context: every suspension point really suspends."""

    on = False


def to_oserror(fault: GuestFault) -> OSError:
    """The exception that the guest sees."""
    text = os.strerror(fault.errno)
    if fault.filename2 is not None:
        return OSError(fault.errno, text, fault.filename, None, fault.filename2)
    if fault.filename is not None:
        return OSError(fault.errno, text, fault.filename)
    return OSError(fault.errno, text)


def make_call(name: str, fn: Call) -> KernelCall:
    """The guest-visible form of one system call."""
    pending = this.pending
    counter = nr_calls

    def raw(*args: Any) -> Any:
        counter[0] += 1
        try:
            result = fn(*args)
        except GuestFault as e:
            error = to_oserror(e)
        else:
            if type(result) is Wait:
                return resumable.wait_in_call(name, args, result)
            if pending[0]:
                return resumable.after_call(result)
            return result
        raise error

    def traced(*args: Any) -> Any:
        start = now_ns()
        result: Any = None
        try:
            result = raw(*args)
            return result
        except OSError as e:
            result = f"-{e.errno}"
            raise
        finally:
            shown = "waits" if type(result).__name__ == "generator" else repr(result)[:80]
            SYSCALL(name=name, args=repr(args)[:200], result=shown, latency_ns=now_ns() - start)

    call = KernelCall(name, traced if SYSCALL.on else raw)
    functions[name] = fn
    return call


functions: dict[str, Call] = {}
nr_calls = [0]  #: system calls that this CPU has taken; copied to its control block at every tick


def retry(name: str, args: tuple[Any, ...]) -> tuple[bool, Any]:
    """Execute a call again after its task was woken: (True, Wait) when it has to wait once more."""
    waitqueue.finish_wait(this.task)
    try:
        result = functions[name](*args)
    except GuestFault as e:
        error = to_oserror(e)
    else:
        return type(result) is Wait, result
    raise error


def next_action() -> Any:
    """What this task has to do before it goes on: None, a handler's signal number, or a trap."""
    poll_ipis()
    task = this.task
    if task.sigpending:
        action = signal.next_action(task)
        if action is not None:
            return action
    return RESCHED if sched.need_resched() else None


def safepoint() -> Iterable[Any]:
    """What `$sp` delegates to when the pending word is set: () where nothing more is to be done."""
    poll_ipis()
    if Stress.on:
        return resumable.actions()  # type: ignore[no-any-return]  # guest code
    if this.task.sigpending or sched.need_resched():
        return resumable.actions()  # type: ignore[no-any-return]  # guest code
    return ()


def namespace(calls: dict[str, Call]) -> SimpleNamespace:
    """Every system call as a KernelCall: what guest-side modules import as `_kos.syscalls`."""
    return SimpleNamespace(**{name: make_call(name, fn) for name, fn in calls.items()})


def complain(text: str) -> None:
    """A message of the kernel's own, as Linux prints to its log: goes to the machine's stderr."""
    from kos.fs import console

    console.write_kernel(text + "\n")
