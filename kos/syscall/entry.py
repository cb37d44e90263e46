"""The border between guest and kernel: how a system call enters, waits, restarts and returns; the safepoint.

A call that can be answered at once is a plain Python call: no frame of the guest's is suspended. A call that has
to wait returns a Wait; `wait_in_call` (guest code, kos/runtime/rtl/ksys.py) traps with it and runs the call
again from its start when the task is awake, as Linux does with ERESTARTSYS. What is pending is looked at on
the way out, so that a signal that a process sends itself is handled before its next statement.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from kos.errors import GuestFault
from kos.fs import console
from kos.fs import file as fs_file
from kos.hw.cpu import this
from kos.hw.ipi import poll_hooks, poll_ipis
from kos.hw.stop import BROKEN, stop_machine
from kos.platform.host.clock import now_ns
from kos.platform.host.depth import begin, with_room
from kos.proc import sigmask, signal
from kos.runtime import hooks, library
from kos.runtime.calls import maker_of
from kos.runtime.kernelcall import KernelCall, trap
from kos.sched import sched, waitqueue
from kos.sched.structs import RUNNING
from kos.trace.events import SYSCALL
from kos.traps import RESCHED, Exec, Exit, Fork, Wait

Call = Callable[..., Any]


class _Resumable:
    """The guest-code half, set once by `connect`: each returns a body."""

    wait_in_call: Call
    after_call: Call
    after_error: Call
    actions: Call
    stress: Call
    #: Ids of the globals of code without safepoints: rtl/ksys.py itself is there to see to what is pending, and
    #: rtl/iteration.py drives bodies, past which a handler's exception must not get (and calls between Wait and trap).
    quiet: frozenset[int]


resumable = _Resumable()


class Stress:
    """--stress-context: suspension points really suspend. Set at boot, before the CPUs are forked.

    The first ALWAYS of a CPU all do, then each EVERY-th: a loop of a million turns would take an hour else. For
    the same reason a task whose context is large suspends less often, by one for each LARGE bytes of it.
    """

    ALWAYS, EVERY, LARGE = 150, 97, 32768
    on = False
    count = 0  #: suspension points that this CPU has come to
    next_due = 0  #: the count of the next one that suspends
    saved_bytes = 0  #: the size of the context that this CPU saved last


def stress_due() -> bool:
    """Is this suspension point one that suspends?"""
    if not Stress.on:
        return False
    this.pending[0] = 1
    Stress.count += 1
    if Stress.count < Stress.next_due:
        return False
    step = 1 if Stress.count <= Stress.ALWAYS else Stress.EVERY
    Stress.next_due = Stress.count + step * (1 + Stress.saved_bytes // Stress.LARGE)
    return True


def _keep_stressing() -> None:
    if Stress.on:
        this.pending[0] = 1


poll_hooks.append(_keep_stressing)


functions: dict[str, Call] = {}  #: every system call by name
nr_calls = [0]  #: system calls that this CPU has taken; copied to its control block at the end


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
    functions[name] = fn
    counter, cpu = nr_calls, this

    def raw(*args: Any) -> Any:
        if not cpu.has_room:
            return begin(cpu.room, raw, *args)
        counter[0] += 1
        if SYSCALL.on:
            return _traced(name, fn, args)
        try:
            result = fn(*args)
        except GuestFault as e:
            error = to_oserror(e)
        except BROKEN as e:
            stop_machine(e)
        else:
            if type(result) is Wait:
                return resumable.wait_in_call(name, args, result)
            if cpu.interrupted:
                return resumable.after_call(result)
            return result
        if cpu.interrupted:
            return resumable.after_error(error)
        try:
            raise error
        finally:
            del error  # its traceback holds this frame: without this, a cycle, and the guest's locals live on

    return KernelCall(name, raw)


def _traced(name: str, fn: Call, args: tuple[Any, ...]) -> Any:
    """raw() with the event `syscall` on: one event a call, the waiting not included."""
    start = now_ns()
    try:
        result = fn(*args)
    except GuestFault as e:
        SYSCALL(name=name, args=repr(args)[:200], result=f"-{e.errno}", latency_ns=now_ns() - start)
        raise to_oserror(e) from None
    except BROKEN as e:
        stop_machine(e)
    waits = type(result) is Wait
    shown = "waits" if waits else repr(result)[:80]
    SYSCALL(name=name, args=repr(args)[:200], result=shown, latency_ns=now_ns() - start)
    if waits:
        return resumable.wait_in_call(name, args, result)
    return resumable.after_call(result) if this.interrupted else result


# --- what kos/runtime/rtl/ksys.py asks, step by step ------------------------------------------------


def woken(name: str, args: tuple[Any, ...]) -> tuple[int | None, Any]:
    """The task is awake again: off its queue, and the call is made again, as retry() says.

    (None, None): something is pending, which is to be seen to before the call is made again. (ATTEND, result) where
    a signal ends the call with what it has.
    """
    if not this.has_room:
        return with_room(this.room, woken, name, args)
    task = this.task
    waitqueue.finish_wait(task)
    if task.waiting_for:
        # The signal that it waits for is the call's before it is any handler's.
        done, answer = retry(name, args)
        if done:
            sigmask.stop_waiting(task)
            return ATTEND, answer
        waitqueue.finish_wait(task)
        sigmask.stop_waiting(task)
    if not (this.interrupted or task.sigpending or task.tripped):
        return retry(name, args)
    if signal.attention(task) and signal.handler_pending(task):
        partial = fs_file.interrupted(task)
        if partial is not None:
            take_restart()
            return ATTEND, partial
    return None, None


#: What retry() has come to. ATTEND: it is done, and there is something for next_action() to find.
AGAIN, DONE, ATTEND = range(3)


def retry(name: str, args: tuple[Any, ...]) -> tuple[int, Any]:
    """Execute a call again after its task was woken: (DONE or ATTEND, result), or (AGAIN, Wait) to wait once more."""
    if not this.has_room:
        return with_room(this.room, retry, name, args)
    try:
        result = functions[name](*args)
    except GuestFault as e:
        take_restart()
        error = to_oserror(e)
    except BROKEN as e:
        stop_machine(e)
    else:
        if type(result) is Wait:
            return AGAIN, result
        task = this.task
        task.restart = _NO_RESTART
        return ATTEND if this.interrupted or task.sigpending or task.tripped else DONE, result
    try:
        raise error
    finally:
        del error  # as in raw()


_NO_RESTART = (ctypes.c_uint64 * 4)()  #: assigned as a whole: 50 ns, four items take 240


def take_restart() -> tuple[int, ...]:
    """A call's memory over its restarts, which is cleared."""
    task = this.task
    saved = tuple(task.restart)
    task.restart = _NO_RESTART
    return saved


def put_restart(saved: tuple[int, ...]) -> None:
    this.task.restart[:] = saved


def next_action(handlers: bool = True, done: int = 0) -> Any:
    """What this task has to do before it goes on: None, a handler's signal number (if they may run), or a trap.

    done: the handler that has run before, if one has.
    """
    if not this.has_room:
        return with_room(this.room, next_action, handlers, done)
    try:
        return _next_action(handlers, done)
    except BROKEN as e:
        stop_machine(e)


def _next_action(handlers: bool, done: int) -> Any:
    poll_ipis()
    console.service()
    task = this.task
    if task.sigpending or task.tripped or done:
        found = signal.next_handler(task, done) if handlers else signal.collect(task)
        if found > 0:
            return found
        if found == signal.STOP:
            return Wait()
        if found == signal.FATAL:
            return Exit(signal.fatal_status(task), True)
    return RESCHED if sched.need_resched() else None


def handler_raised() -> None:
    with_room(this.room, signal.begin_round_anew, this.task)


def safepoint() -> Iterable[Any]:
    """What `$sp` delegates to when the pending word is set: () where nothing more is to be done."""
    caller = sys._getframe(2).f_globals
    try:
        if not this.has_room:
            # A call that has begun is not refused half way: its task may be on a wait queue.
            return (with_room if _in_call(caller) else begin)(this.room, _safepoint, caller)
        return _safepoint(caller)
    except BROKEN as e:
        stop_machine(e)


def _in_call(caller: dict[str, Any]) -> bool:
    """Whether the safepoint stands inside a system call. caller: the globals of the code that has come to it."""
    # Not RUNNING: on its way to a sleep, through the driver of a generator whose body has made the call.
    return id(caller) in resumable.quiet or this.task.state != RUNNING


def _safepoint(caller: dict[str, Any]) -> Iterable[Any]:
    poll_ipis()  # first: another CPU may wait for it
    task = this.task
    if _in_call(caller):
        this.pending[0] = 1  # what else is pending is for the next safepoint that may see to it
        return ()
    if stress_due():
        return resumable.stress()  # type: ignore[no-any-return]  # guest code
    if task.sigpending or task.tripped or sched.need_resched():
        return resumable.actions()  # type: ignore[no-any-return]  # guest code
    console.service()
    return ()


# --- putting it together ---------------------------------------------------------------------------


def namespace(calls: dict[str, Call]) -> SimpleNamespace:
    """Every system call as a KernelCall: what guest-side modules import as `_kos.syscalls`."""
    return SimpleNamespace(**{name: make_call(name, fn) for name, fn in calls.items()})


def kos_module(calls: SimpleNamespace, world: Any) -> SimpleNamespace:
    """`_kos`, as the emulated modules and kos/runtime/rtl import it."""
    return SimpleNamespace(
        syscalls=calls, world=world, trap=trap, Fork=Fork, Exec=Exec, Exit=Exit, RESCHED=RESCHED,
        next_action=next_action, handler_raised=handler_raised, retry=retry, woken=woken, ATTEND=ATTEND,
        stress_due=stress_due, take_restart=take_restart, put_restart=put_restart,
    )  # fmt: skip


def connect(rtl: dict[str, Any]) -> None:
    """Take the resumable half: the globals of rtl/ksys.py."""
    for name in ("wait_in_call", "after_call", "after_error", "actions", "stress"):
        setattr(resumable, name, staticmethod(maker_of(rtl[name])))
    resumable.quiet = frozenset((id(rtl), id(library.namespace("iteration"))))
    hooks.safepoint = safepoint


def complain(text: str) -> None:
    """A message of the kernel's own, as Linux prints to its log: to the host's stderr."""
    os.write(2, (text + "\n").encode())
