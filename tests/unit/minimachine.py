"""A machine whose guests are scripts of Python generators: what processes do, without a compiler above them.

A script is a generator function; `run()` forks one host process a CPU, each with a small main loop, and the first
script becomes the first program. A script says `yield from call("wait4", -1, 0)` for a system call, `yield
Fork(flags, script, args)` for a child that runs another script, `yield Exit(status, group)` and `yield
Resched()` for a safepoint. Its return value is its exit code. What it says with `say()` is the run's result.

The CPUs are real host processes that share the arena, so wake-ups, kills and exits race as they do in a machine. A
task that has not started counts as saved and may be stolen; one that has started lives on its CPU.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Callable, Generator
from typing import Any

import kos.syscall.clocks
import kos.syscall.process
import kos.syscall.signals
from kos.arena.arena import Arena
from kos.errors import GuestFault
from kos.fs import boot as fs_boot
from kos.hw import ipi
from kos.hw.cpu import SUPERVISOR, cpu_block, this
from kos.mm import boot as mm_boot
from kos.mm import policy, stack, switch
from kos.mm.mm import mm_alloc
from kos.mm.structs import mms
from kos.params import Params
from kos.platform.host.atomic import fence
from kos.platform.host.clock import now_ns
from kos.platform.host.doorbell import Doorbell
from kos.platform.host.process import die_with_parent
from kos.proc import exec as proc_exec
from kos.proc import exit as proc_exit
from kos.proc import fork, init, kill, signal, timer
from kos.sched import policy as sched_policy
from kos.sched import sched, waitqueue
from kos.sched.pid import nr_used
from kos.sched.structs import Task, machine, processes, sighands, tasks
from kos.sync import spinlock
from kos.syscall.table import CALLS
from kos.traps import Wait
from kos_plugins.alloc_freelist import FreeListAllocator
from kos_plugins.fork_cow import CowFork
from kos_plugins.sched_rr import RoundRobin
from kos_plugins.shootdown_ipi import IpiShootdown
from kos_plugins.tlb_setassoc import SetAssociative

Script = Generator[Any, Any, Any]
TICK_NS = 2_000_000
_modules = (kos.syscall.clocks, kos.syscall.process, kos.syscall.signals)
_numbers = iter(range(1, 1_000_000))
_starts: list[tuple[Callable[..., Script], tuple[Any, ...]]] = []  # by Task.start_arg; filled in the CPU that forks
_voice = [-1]


class Fork:
    def __init__(self, flags: int, script: Callable[..., Script], *args: Any) -> None:
        self.flags, self.script, self.args = flags, script, args


class Exec:
    def __init__(self, script: Callable[..., Script]) -> None:
        self.script = script


class Exit:
    def __init__(self, status: int, group: bool = True) -> None:
        self.status, self.group = status, group


class Resched:
    pass


def say(*words: object) -> None:
    """A line of the run's result; whole, whoever else speaks."""
    os.write(_voice[0], (" ".join(map(str, words)) + "\n").encode())


def errno_of(name: str, *args: Any) -> Script:
    """The errno that a system call fails with, 0 if it does not."""
    try:
        yield from call(name, *args)
    except GuestFault as e:
        return e.errno
    return 0


def call(name: str, *args: Any) -> Script:
    """A system call with its waits and the signals on its way out, as kos/runtime/rtl/ksys.py does it."""
    fn = CALLS[name]
    try:
        result = fn(*args)
        while type(result) is Wait:
            yield result
            task = this.task
            waitqueue.finish_wait(task)
            saved = tuple(task.restart)
            task.restart[:] = [0] * 4
            yield from actions()
            this.task.restart[:] = saved
            result = fn(*args)
        this.task.restart[:] = [0] * 4
    except GuestFault:
        this.task.restart[:] = [0] * 4
        yield from actions()
        raise
    yield from actions()
    return result


def actions() -> Script:
    """What a safepoint does."""
    done = 0
    while True:
        ipi.poll_ipis()
        found = signal.next_handler(this.task, done)
        if found > 0:
            handlers.append(found)
            done = found
        elif found == signal.STOP:
            yield Wait()
        elif found == signal.FATAL:
            yield Exit(signal.fatal_status(this.task), True)
        elif sched.need_resched():
            yield Resched()
        else:
            return


handlers: list[int] = []  #: signals whose handlers have run in this host process


def spin(until: Callable[[], bool] = lambda: False) -> Script:
    """Compute, with a safepoint a turn, until the condition holds."""
    while not until():
        if this.pending[0]:
            yield from actions()
        os.sched_yield()


class _Loop:
    """The main loop of one CPU."""

    def __init__(self) -> None:
        self.contexts: dict[int, Script] = {}
        self.answers: dict[int, Any] = {}
        self.last_tick = now_ns()

    def run(self) -> None:
        while not this.block.stop:
            ipi.poll_ipis()
            timer.expire_due(now_ns())
            task = sched.pick_next()
            if task is None:
                self.idle()
                continue
            switch.load_mm(mms[task.mm])
            if signal.is_killed(task):
                self.end(task, Exit(signal.fatal_status(task), True))
                continue
            if task.index not in self.contexts:
                script, args = _starts[task.start_arg]
                task.ctx_len = 0
                self.contexts[task.index] = script(*args)
            self.run_task(task)

    def run_task(self, task: Task) -> None:
        while this.task is task:
            if (wait := fork.vfork_wait(task)) is not None:
                sched.switch_out(task, wait.deadline_ns)
                return
            error = None
            try:
                value = self.answers.pop(task.index, None)
                gen = self.contexts[task.index]
                trap = gen.throw(value) if isinstance(value, Exception) else gen.send(value)
            except StopIteration as e:
                trap = Exit(proc_exit.status_of(e.value or 0), bool(task.is_leader))
                if not task.is_leader:
                    trap.status = (e.value or 0) << 8
            except Exception as e:
                error = e
            if error is not None:
                say("script failed:", repr(error), traceback.format_exception(error)[-2].strip())
                trap = Exit(proc_exit.status_of(99), True)
            self.handle(task, trap)

    def handle(self, task: Task, trap: Any) -> None:
        if isinstance(trap, Wait):
            sched.switch_out(task, trap.deadline_ns)
        elif isinstance(trap, Resched):
            sched.wants_migration(task)
            sched.switch_out(task)
        elif isinstance(trap, Exit):
            self.end(task, trap)
        elif isinstance(trap, Exec):
            try:
                result = proc_exec.begin_exec("prog", ["prog"], {})
            except GuestFault as e:
                self.answers[task.index] = e
                return
            if isinstance(result, Wait):
                sched.switch_out(task)  # begin_exec is called again when it wakes
                self.contexts[task.index] = _again(trap, self.contexts[task.index])
            else:
                self.contexts[task.index] = trap.script()
                sched.switch_out(task)
        else:
            try:
                _starts.append((trap.script, trap.args))

                def registers(child: Task) -> None:
                    child.start_arg = len(_starts) - 1
                    child.ctx_len = 0
                    child.affinity = 1 << this.id  # its script is known only here
                    if trap.flags & fork.CLONE_VM:
                        child.stack_low, child.stack_top = stack.setup_thread_stack(mms[child.mm], 4096)

                self.answers[task.index] = fork.copy_process(trap.flags, registers)
            except GuestFault as e:
                self.answers[task.index] = e

    def end(self, task: Task, trap: Exit) -> None:
        self.contexts.pop(task.index, None)
        self.answers.pop(task.index, None)
        if trap.group:
            proc_exit.do_group_exit(trap.status)
        else:
            proc_exit.do_exit(trap.status)
        assert this.task is None

    def idle(self) -> None:
        block = this.block
        switch.enter_lazy()
        block.sleeping = 1
        fence()
        if not this.pending[0] and not sched.has_work() and not block.stop:
            deadline = timer.next_deadline()
            this.bells[this.id].wait(min(50_000_000, max(0, deadline - now_ns())) if deadline else 50_000_000)
        block.sleeping = 0
        switch.leave_lazy()


def _again(trap: Exec, gen: Script) -> Script:
    try:
        yield trap
    except GuestFault as e:
        yield gen.throw(e)
    yield from gen


def _on_poll() -> None:
    block = this.block
    if block.tick != block.seen_tick:
        block.seen_tick = block.tick
        sched.tick()


def run(
    script: Callable[..., Script], cpus: int = 1, scheduler: Any = None, limit: float = 20.0, memory: int = 32 << 20
) -> tuple[int, list[str]]:
    """Run a script as the first program on a machine of its own: (wait status, lines said).

    Fails the test when a CPU dies, when it takes too long, and when anything is left at the end.
    """
    params = Params(cpus, memory, {})
    arena = Arena.create(f"kos-unit-{os.getpid()}-{next(_numbers)}", params)
    arena.block.unlink()
    spinlock.renew_all()
    spinlock.debug.check_order = True
    policy.reset()
    policy.use("fork", CowFork())
    policy.use("alloc", FreeListAllocator())
    policy.use("shootdown", IpiShootdown())
    policy.use("tlb", SetAssociative(64, 4))
    sched_policy.in_use.scheduler = scheduler or RoundRobin()
    ipi.wire.transport = ipi.RingTransport()
    this.become(0, cpus)
    this.bells = [Doorbell() for _ in range(65)]
    this.task = this.mm = None
    mm_boot.boot(params)
    init.boot(cpus)
    fs_boot.boot([], [])
    _starts.clear()
    handlers.clear()
    hear, _voice[0] = os.pipe()
    pids = [_fork_cpu(cpu, cpus, script) for cpu in range(cpus)]
    os.close(_voice[0])
    this.become(SUPERVISOR, cpus)  # it takes locks and interrupts CPUs: under its own name
    try:
        text = _supervise(pids, cpus, hear, limit)
    finally:
        for pid in pids:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
            os.waitpid(pid, 0)
        os.close(hear)
        spinlock.debug.check_order = False
        for bell in this.bells:
            bell.close()
    status = proc_exit.first_program_status()
    assert status is not None, text
    assert [p.pid for p in processes.used()] == [1]
    assert [t.pid for t in tasks.used()] == [1]
    assert len(list(sighands.used())) == 1
    assert list(mms.used()) == []
    assert nr_used() == 1
    assert machine.s.nr_tasks == 0
    assert [lock.name for lock in spinlock.ALL if not lock.is_free()] == []
    return status, text.splitlines()


def _fork_cpu(cpu: int, cpus: int, script: Callable[..., Script]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        die_with_parent(parent)
        this.become(cpu, cpus)
        this.mm = this.task = None
        mm_boot.boot_cpu()
        ipi.poll_hooks.append(_on_poll)
        if cpu == 0:
            _starts.append((script, ()))
            mm = mm_alloc()
            init.new_program(mm, fs_boot.first_files(), fs_boot.first_context("/tmp"), "first", _first_registers)
        _Loop().run()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _first_registers(task: Task) -> None:
    task.start_arg = 0
    task.affinity = 1 << this.id


def _supervise(pids: list[int], cpus: int, hear: int, limit: float) -> str:
    """Ticks, kills what the first program leaves behind, stops the CPUs; what was said."""
    end = now_ns() + int(limit * 1e9)
    said = b""
    empty = 0
    while empty < 2:
        if select.select([hear], [], [], TICK_NS / 1e9)[0]:
            said += os.read(hear, 65536)
        for cpu in range(cpus):
            block = cpu_block(cpu)
            if block.current:
                block.tick += 1
                block.pending = 1
        for pid in list(pids):
            gone, status = os.waitpid(pid, os.WNOHANG)
            if gone:
                pids.remove(pid)
                raise AssertionError(f"a CPU died with status {status}: {said.decode()}")
        if proc_exit.first_program_status() is not None:
            # Twice: the last task is gone from the table a moment before its CPU has left its locks.
            empty = empty + 1 if kill.kill_all() == 0 else 0
        assert now_ns() < end, f"not within {limit} s; {_describe()}; said so far:\n{said.decode()}"
    for cpu in range(cpus):
        cpu_block(cpu).stop = 1
        ipi.notify(cpu)
    for pid in list(pids):
        assert os.waitpid(pid, 0)[1] == 0, f"a CPU failed: {said.decode()}"
        pids.remove(pid)
    while chunk := os.read(hear, 65536):
        said += chunk
    return said.decode()


def _describe() -> str:
    return "; ".join(
        f"pid {t.pid} tgid {t.tgid} state {t.state} cpu {t.cpu} on_cpu {t.on_cpu} on_rq {t.on_rq} "
        f"sigpending {t.sigpending} pending {t.pending:#x}"
        for t in tasks.used()
    )
