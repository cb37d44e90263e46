"""A machine's files without its CPUs: this process is CPU 0 and runs one task; forked children are further CPUs.

A call that has to wait is driven as the kernel's entry code does it: spin until the task is awake, finish the wait,
make the call again from its start.
"""

from __future__ import annotations

import os
import stat
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import kos.syscall.files  # noqa: F401  # registers the calls, declares the tables
from kos.arena.arena import Arena
from kos.audit.files import audit_files
from kos.errors import GuestFault
from kos.fs import boot as fs_boot
from kos.fs import console, fdtable, fsctx
from kos.fs.structs import contexts, fd_tables
from kos.hw import ipi
from kos.hw.cpu import cpu_block, this
from kos.hw.relax import relax
from kos.mm import boot as mm_boot
from kos.mm import policy, switch
from kos.mm.mm import mm_alloc, mmput
from kos.mm.structs import mms
from kos.params import Params
from kos.platform.host.doorbell import Doorbell
from kos.platform.host.files import Stream
from kos.sched import policy as sched_policy
from kos.sched import sched, waitqueue
from kos.sched.structs import RLIM_INFINITY, RUNNING, Task, machine, pid_refs, pid_tasks, processes, tasks
from kos.sync import spinlock
from kos.syscall.table import CALLS
from kos.traps import Wait
from kos_plugins.alloc_freelist import FreeListAllocator
from kos_plugins.fork_cow import CowFork
from kos_plugins.sched_rr import RoundRobin
from kos_plugins.shootdown_ipi import IpiShootdown
from kos_plugins.tlb_setassoc import SetAssociative

_numbers = iter(range(1, 1_000_000))


class Files:
    """What a test does as a guest: `k.open(...)` is the system call; a failure is GuestFault."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.first: list[Task] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in CALLS:
            raise AttributeError(name)
        fn = CALLS[name]

        def call(*args: Any) -> Any:
            return drive(fn, *args)

        return call

    def errno(self, name: str, *args: Any) -> int:
        """The errno that a call fails with; 0 if it does not."""
        try:
            self.__getattr__(name)(*args)
        except GuestFault as e:
            return e.errno
        return 0

    def once(self, name: str, *args: Any) -> Any:
        """One execution of a call: may be a Wait."""
        this.task.restart[:] = [0] * 4
        return CALLS[name](*args)

    def task(self, cpu: int = 0) -> Task:
        """One more task, with copies of the current one's descriptors and directory."""
        t = tasks.alloc()
        p = processes.alloc()
        assert t is not None and p is not None
        t.process = p.index
        t.pid = t.tgid = p.pid = 1 + t.index
        pid_tasks.v[t.pid] = t.index
        pid_refs.v[t.pid] = 1
        t.is_leader = 1
        t.start_ns = self.arena.header.boot_ns
        t.comm = b"unit"
        p.rlimits[:] = [RLIM_INFINITY] * len(p.rlimits)
        p.rlimits[14] = p.rlimits[15] = 1024
        t.cpu = cpu
        t.on_cpu = 1
        t.state = RUNNING
        t.weight = 1024
        me: Task | None = this.task
        if me is None:
            t.files = fs_boot.first_files().index
            t.fs = fs_boot.first_context("/tmp").index
        else:
            t.files = fdtable.dup_files(fd_tables[me.files]).index
            t.fs = fsctx.dup_context(contexts[me.fs]).index
        self.first.append(t)
        return t

    def end(self, t: Task) -> None:
        """What exit does to a task's files."""
        if t.files:
            fdtable.put_files(fd_tables[t.files])
            fsctx.put_context(contexts[t.fs])
        t.files = t.fs = 0
        pid_tasks.v[t.pid] = 0

    def on_cpu(self, cpu: int, work: Callable[[], Any]) -> Callable[[], Any]:
        """Run work() in a host process of its own that is CPU `cpu`, on a task of its own; call the result to join."""
        t = self.task(cpu)
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                this.become(cpu, 8)
                this.mm = None
                this.task = t
                result = work()
                self.end(t)
                os.write(w, repr(result).encode())
                status = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(status)
        os.close(w)
        self.first.remove(t)

        def join() -> Any:
            with open(r, "rb") as f:
                text = f.read()
            assert os.waitpid(pid, 0)[1] == 0
            return eval(text)

        return join


def drive(fn: Callable[..., Any], *args: Any) -> Any:
    """A system call, with all the waiting that it needs."""
    task: Task = this.task
    task.restart[:] = [0] * 4
    while True:
        result = fn(*args)
        if type(result) is not Wait:
            return result
        while task.state != RUNNING:
            if task.state == 2:  # READY: woken
                break
            relax()
        waitqueue.finish_wait(task)


@pytest.fixture
def k(tmp_path: Path) -> Iterator[Files]:
    """A booted tree with tmp_path/shown as the program's folder, and a task in /tmp; audited at the end."""
    shown = tmp_path / "shown"
    shown.mkdir()
    params = Params(8, 16 << 20, {})
    arena = Arena.create(f"kos-unit-{os.getpid()}-{next(_numbers)}", params)
    arena.block.unlink()
    spinlock.renew_all()
    spinlock.debug.check_order = True
    policy.reset()
    policy.use("fork", CowFork())
    policy.use("alloc", FreeListAllocator())
    policy.use("shootdown", IpiShootdown())
    policy.use("tlb", SetAssociative(64, 4))
    sched_policy.in_use.scheduler = RoundRobin()
    ipi.wire.transport = ipi.RingTransport()
    this.become(0, 8)
    this.bells = [Doorbell() for _ in range(65)]
    this.task = this.mm = None
    for cpu in range(8):
        cpu_block(cpu).clear()
    mm_boot.boot(params)
    sched.boot(8)
    machine.s.uid, machine.s.gid = os.geteuid(), os.getegid()
    fs_boot.boot([str(shown)], [str(shown)])
    pipe = stat.S_IFIFO | 0o600
    console.describe([Stream(pipe), Stream(pipe, os.O_WRONLY), Stream(pipe, os.O_WRONLY)], False)
    files = Files(arena)
    this.task = files.task()
    mm = mm_alloc()
    this.task.mm = mm.index
    switch.load_mm(mm)
    yield files
    for t in files.first:
        files.end(t)
    this.task = None
    switch.load_mm(None)
    mmput(mm)
    problems = audit_files()
    assert list(mms.used()) == []
    spinlock.debug.check_order = False
    for bell in this.bells:
        bell.close()
    this.bells = []
    assert problems == []
