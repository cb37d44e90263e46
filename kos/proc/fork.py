"""copy_process(): what fork, vfork, clone and rfork do.

    reserve    limits, slots, pid
    files      descriptors, then directory and umask
    signals    dispositions, mask; pending signals are not inherited
    memory     by the fork policy, or shared
    registers  0 as the child's result
    publish    tasklist_lock: parent, siblings, group, session; from here others can see it
    wake       on the idlest CPU

Each step that can fail undoes itself and everything before it; the parent runs again only when all is done. The order
is Linux's copy_process(). FreeBSD's fork1() differs in two things that matter: it takes the pid and links the child
into the process table *before* it copies (state PRS_NEW hides it), and it copies and zeroes named zones of struct
proc (p_startcopy, p_startzero). Here a slot is zero when it is handed out, and nobody can find it before it is
published.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import ExitStack

from kos.errors import GuestFault
from kos.fs import fdtable, fsctx
from kos.fs.structs import contexts, fd_tables
from kos.hw.cpu import this
from kos.mm import dup
from kos.mm.mm import mmget, mmput
from kos.mm.structs import Mm, mms
from kos.platform.host.clock import now_ns
from kos.proc import rlimit, signal, tree
from kos.sched import sched
from kos.sched.pid import alloc_pid, get_pid, publish_pid, put_pid
from kos.sched.structs import (
    BLOCKED,
    JC_STOP_COUNTED,
    JC_STOP_PENDING,
    NEW,
    RLIM_INFINITY,
    Process,
    Sighand,
    Task,
    machine,
    process_of,
    processes,
    sighands,
    signal_lock,
    tasklist_lock,
    tasks,
    threads,
)
from kos.trace.events import FORK
from kos.trace.histogram import forks as fork_latency
from kos.traps import Wait

CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND = 0x100, 0x200, 0x400, 0x800
CLONE_VFORK, CLONE_PARENT, CLONE_THREAD = 0x4000, 0x8000, 0x1_0000
RFCFDG, RFNOWAIT = 1 << 40, 1 << 41  #: rfork's: no descriptors in the child; the child is init's
KNOWN = (
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | CLONE_PARENT | CLONE_THREAD | RFCFDG | RFNOWAIT
)


def copy_process(flags: int, copy_context: Callable[[Task], None]) -> int:
    """The pid of a child of the current task, started. flags: CLONE_*; copy_context gives it registers and stack.

    Raises GuestFault (EAGAIN, ENOMEM, EINVAL), with nothing left behind; EINTR when the caller is being killed.
    """
    start = now_ns()
    flags &= ~0xFF  # the exit signal: always SIGCHLD here
    if flags & CLONE_THREAD and not flags & CLONE_SIGHAND:
        raise GuestFault(errno.EINVAL)
    if flags & CLONE_SIGHAND and not flags & CLONE_VM:
        raise GuestFault(errno.EINVAL)
    if flags & ~KNOWN or (flags & RFCFDG and flags & CLONE_FILES):
        raise GuestFault(errno.EINVAL)
    parent: Task = this.task
    with ExitStack() as undo:
        child = _reserve(parent, flags, undo)
        _copy_files(parent, child, flags, undo)
        _copy_signals(parent, child, flags)
        pages = _copy_memory(parent, child, flags, undo)
        copy_context(child)
        child.own_stack = 1 if flags & CLONE_VM else 0
        _publish(parent, child, flags)
        undo.pop_all()
    block = this.block
    block.nr_forks += 1
    latency = now_ns() - start
    fork_latency.record(this.id, latency)
    if FORK.on:
        tables = mms[child.mm].nr_tables
        FORK(child_pid=child.pid, pages=pages, tables=tables, latency_ns=latency, policy=_policy_name(), flags=flags)
    # Not after the wake-up: the child may have run, ended and been reaped by then, and its slot be another's.
    pid = int(child.pid)
    sched.place_new(child)
    return pid


def vfork_wait(task: Task) -> Wait | None:
    """After CLONE_VFORK: None once the child has given the memory back (exec, exit), or the caller is to die.

    Until then the caller sleeps; call again when it is awake.
    """
    if not task.vfork_child:
        return None
    with tasklist_lock:
        if not task.vfork_child:
            return None
        if signal.fatal_pending(task):
            tasks[task.vfork_child].vfork_parent = 0
            task.vfork_child = 0
            return None
        task.state = BLOCKED
    return Wait(0)


def release_vfork_parent(task: Task) -> None:
    """The task does not use its parent's memory any more: the parent goes on. Linux: mm_release()."""
    if not task.vfork_parent:
        return
    with tasklist_lock:
        parent = tasks[task.vfork_parent] if task.vfork_parent else None
        if parent is not None:
            task.vfork_parent = 0
            parent.vfork_child = 0
            sched.wake(parent)


# --- the steps ------------------------------------------------------------------------------------------


def _reserve(parent: Task, flags: int, undo: ExitStack) -> Task:
    """Limits, a task slot, for a new process its process and signal slots, and a pid."""
    g = machine.s
    pp = process_of(parent)
    with tasklist_lock:
        limit = rlimit.soft(pp, rlimit.NPROC)
        if limit != RLIM_INFINITY and g.nr_tasks >= limit:
            raise GuestFault(errno.EAGAIN)
        child = tasks.alloc()
        if child is None:
            raise GuestFault(errno.EAGAIN)
        g.nr_tasks += 1
        undo.callback(_unreserve_task, child)
        child.state = NEW
        child.pid = alloc_pid()
        if flags & CLONE_THREAD:
            child.process = pp.index
            child.tgid = parent.tgid
        else:
            process = processes.alloc()
            if process is None:
                raise GuestFault(errno.EAGAIN)
            undo.callback(_unreserve_process, process)
            child.process = process.index
            child.tgid = child.pid
            child.is_leader = 1
            if flags & CLONE_SIGHAND:
                process.sighand = pp.sighand
                sighands[pp.sighand].refcount += 1
            else:
                process.sighand = _new_sighand().index
    child.nice, child.weight = parent.nice, parent.weight
    child.affinity = parent.affinity
    child.vruntime = parent.vruntime
    child.comm = parent.comm
    child.start_ns = now_ns()
    return child


def _unreserve_task(child: Task) -> None:
    with tasklist_lock:
        if child.pid:
            put_pid(child.pid)
        machine.s.nr_tasks -= 1
        child.clear()
        tasks.free(child)


def _unreserve_process(process: Process) -> None:
    with tasklist_lock:
        put_sighand(process)
        process.clear()
        processes.free(process)


def _copy_files(parent: Task, child: Task, flags: int, undo: ExitStack) -> None:
    if parent.files:
        files = fd_tables[parent.files]
        if flags & CLONE_FILES:
            files = fdtable.get_files(files)
        elif flags & RFCFDG:
            files = fdtable.alloc_files()
        else:
            files = fdtable.dup_files(files)
        undo.callback(fdtable.put_files, files)
        child.files = files.index
    if parent.fs:
        fs = contexts[parent.fs]
        fs = fsctx.get_context(fs) if flags & CLONE_FS else fsctx.dup_context(fs)
        undo.callback(fsctx.put_context, fs)
        child.fs = fs.index


def _copy_signals(parent: Task, child: Task, flags: int) -> None:
    """Mask and dispositions go to the child, pending signals, timers and stops do not."""
    child.blocked = parent.blocked
    if flags & CLONE_THREAD:
        return
    if not (flags & CLONE_VM or parent.tripped):
        child.round = parent.round  # a fork by a handler: its round goes on in both, as CPython's does
    pp, process = process_of(parent), process_of(child)
    process.rlimits = pp.rlimits
    process.start_ns = child.start_ns
    process.oom_adj = pp.oom_adj
    if not flags & CLONE_SIGHAND:
        with signal_lock(pp):
            sighands[process.sighand].action = sighands[pp.sighand].action


def _copy_memory(parent: Task, child: Task, flags: int, undo: ExitStack) -> int:
    """Share the address space, or have the fork policy copy it; returns the pages that the child maps."""
    if not parent.mm:
        return 0
    old = mms[parent.mm]
    new: Mm = mmget(old) if flags & CLONE_VM else dup.dup_mm(old)
    undo.callback(mmput, new)
    child.mm = new.index
    return new.rss


def _publish(parent: Task, child: Task, flags: int) -> None:
    """Everybody can see the child from here; nothing fails after this."""
    g = machine.s
    pp, process = process_of(parent), process_of(child)
    with tasklist_lock:
        with signal_lock(pp):
            # A signal to the whole group that came before this moment has not reached the child: it must not
            # escape a kill. Linux restarts the fork for any signal; here the caller dies before it sees EINTR.
            if signal.fatal_pending(parent):
                raise GuestFault(errno.EINTR)
            if flags & CLONE_THREAD:
                link_thread(process, child)
                if process.nr_to_stop:
                    child.jobctl = JC_STOP_PENDING | JC_STOP_COUNTED
                    process.nr_to_stop += 1
                    child.sigpending = 1
        g.nr_forks += 1
        if flags & CLONE_THREAD:
            child.joinable = 1
        else:
            link_thread(process, child)
            process.leader = child.index
            process.pid = child.pid
            g.age += 1
            process.age = g.age
            g.nr_processes += 1
            process.sid = pp.sid
            get_pid(pp.sid)
            tree.join_group(process, pp.pgid)
            home = pp
            if flags & RFNOWAIT:
                home = processes[g.init]
            elif flags & CLONE_PARENT and pp.parent:
                home = processes[pp.parent]
            tree.link_child(process, home)
        if flags & CLONE_VFORK:
            child.vfork_parent = parent.index
            parent.vfork_child = child.index
        publish_pid(child.pid, child.index)


# --- helpers ----------------------------------------------------------------------------------------------


def link_thread(process: Process, task: Task) -> None:
    """The task becomes one of the process's; tasklist_lock held, and the signal lock once it is published."""
    threads.append(process, task)
    process.nr_threads += 1
    process.nr_live += 1


def _new_sighand() -> Sighand:
    """A slot with every disposition at its default; tasklist_lock held."""
    sighand = sighands.alloc()
    if sighand is None:
        raise GuestFault(errno.EAGAIN)
    sighand.refcount = 1
    return sighand


def put_sighand(process: Process) -> None:
    """The process gives up its dispositions; tasklist_lock held."""
    if process.sighand:
        sighand = sighands[process.sighand]
        process.sighand = 0
        sighand.refcount -= 1
        if not sighand.refcount:
            sighands.free(sighand)


def unshare_sighand(process: Process) -> None:
    """exec: dispositions of its own, with the values of now. Raises GuestFault(EAGAIN)."""
    with tasklist_lock:
        old = sighands[process.sighand]
        if old.refcount == 1:
            return
        new = _new_sighand()
        new.action = old.action
        old.refcount -= 1
        with signal_lock(process):
            process.sighand = new.index


def _policy_name() -> str:
    from kos.mm.policy import name_of

    return name_of("fork")
