"""Pid 1 and the programs that the machine is asked to run.

init is a task slot without a guest: nobody switches to it, it takes no signals, and the status of its children is
read the moment they end. So an orphan needs no special case: it is a child of a parent that always waits.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from kos.errors import GuestFault
from kos.fs.structs import FdTable, FsContext
from kos.mm import limits
from kos.mm.structs import Mm
from kos.platform.host.clock import now_ns
from kos.platform.host.rights import CAP_SYS_NICE, CAP_SYS_RAWIO, CAP_SYS_RESOURCE, mmap_min_addr
from kos.proc import rlimit, tree
from kos.proc.fork import link_thread
from kos.sched import sched
from kos.sched.pid import alloc_pid, get_pid, publish_pid
from kos.sched.policy import NICE_0_WEIGHT
from kos.sched.structs import (
    BLOCKED,
    NEW,
    PL_INIT,
    Process,
    Task,
    machine,
    pid_refs,
    processes,
    sighands,
    tasklist_lock,
    tasks,
)


def boot(nr_cpus: int, uid: int = 0, gid: int = 0, capabilities: int = -1) -> None:
    """Make init; in the parent, before the CPUs are forked, with the scheduler policy chosen.

    uid, gid, capabilities: every process's, as whoever runs the machine has them on the host.
    """
    sched.boot(nr_cpus)
    g = machine.s
    g.uid, g.gid = uid, gid
    g.may_favour = bool(capabilities & CAP_SYS_NICE)
    g.may_raise = bool(capabilities & CAP_SYS_RESOURCE)
    limits.settings.min_addr = 0 if capabilities & CAP_SYS_RAWIO else mmap_min_addr()
    g.last_pid = 0
    with tasklist_lock:
        task, process = _new_process()
        pid_refs.v[1] = 1
        task.pid = task.tgid = process.pid = 1
        g.last_pid = 1
        process.life = PL_INIT
        process.sid = 1
        get_pid(1)
        tree.join_group(process, 1)
        publish_pid(1, task.index)
        task.state = BLOCKED
        task.comm = b"init"
        g.init = process.index
    limits.settings.current = rlimit.memory_limits


def new_program(
    mm: Mm, files: FdTable, fs: FsContext, comm: str, setup: Callable[[Task], None], ignored: tuple[int, ...] = ()
) -> Task:
    """Start a program that the machine was asked to run: a child of init, leader of a session of its own.

    The references to mm, files and fs become the task's. setup gives it registers and stack before it is placed.
    ignored: signals that it finds ignored. Its end is what exit.first_program_status() tells.
    """
    g = machine.s
    with tasklist_lock:
        task, process = _new_process()
        try:
            pid = alloc_pid()
        except GuestFault:
            _forget(task, process)
            raise
        task.pid = task.tgid = pid
    task.mm, task.files, task.fs = mm.index, files.index, fs.index
    task.comm = comm.encode("utf-8", "surrogateescape")[:15]
    for sig in ignored:
        sighands[process.sighand].action[sig] = 1
    setup(task)
    with tasklist_lock:
        process.pid = process.sid = pid
        get_pid(pid)
        tree.join_group(process, pid)
        tree.link_child(process, processes[g.init])
        publish_pid(pid, task.index)
        g.age += 1
        process.age = g.age
        g.nr_processes += 1
        g.nr_tasks += 1
        g.program_pid = pid
        g.program_done = 0
    sched.place_new(task)
    return task


def _new_process() -> tuple[Task, Process]:
    """A task and a process of default state, not published; tasklist_lock held."""
    task, process, sighand = tasks.alloc(), processes.alloc(), sighands.alloc()
    if task is None or process is None or sighand is None:
        raise GuestFault(errno.EAGAIN)
    sighand.refcount = 1
    process.sighand = sighand.index
    rlimit.set_defaults(process)
    task.state = NEW
    task.process = process.index
    task.is_leader = 1
    task.weight = NICE_0_WEIGHT
    task.affinity = (1 << machine.s.nr_cpus) - 1
    task.start_ns = process.start_ns = now_ns()
    process.leader = task.index
    link_thread(process, task)
    return task, process


def _forget(task: Task, process: Process) -> None:
    sighands.free(sighands[process.sighand])
    processes.free(process)
    tasks.free(task)
