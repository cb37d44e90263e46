"""do_exit(): a task ends. do_group_exit(): all tasks of its process do. release: the last trace goes.

In Linux's order: signals (it takes none any more), memory, files, directory, then the notification: the parent is
told, children go to init. What is left of a process is a zombie: task slot, process slot and pid, until the
status is read. What is left of a thread is its slot with the exit code, until somebody joins it or its process ends.

The slot must not be handed out while this CPU still uses it, so the task leaves the CPU (sched.retire) inside the
same hold of tasklist_lock in which it becomes visible as a zombie: whoever reaps needs that lock.
"""

from __future__ import annotations

from kos.fs import fdtable, fsctx
from kos.fs.structs import contexts, fd_tables
from kos.hw.cpu import SUPERVISOR, this
from kos.hw.ipi import notify
from kos.mm import switch
from kos.mm.mm import mmput
from kos.mm.mmap import do_munmap
from kos.mm.structs import mms
from kos.params import PAGE_SIZE
from kos.proc import fork, jobctl, kill, rusage, signal, sigqueue, tree
from kos.proc.sigdefs import CLD_EXITED, CLD_KILLED, SIG_IGN, SIGCHLD, SIGCONT, SIGHUP, signals_in
from kos.proc.sigqueue import Info
from kos.sched import sched, waitqueue
from kos.sched.pid import free_task_pid, put_pid
from kos.sched.structs import (
    PF_GROUP_EXIT,
    PF_STOPPED,
    PL_INIT,
    PL_STOP_UNREAD,
    PL_ZOMBIE,
    Process,
    Task,
    machine,
    process_of,
    processes,
    sighands,
    signal_lock,
    tasklist_lock,
    tasks,
    threads,
    threads_of,
)
from kos.trace.events import EXIT


def status_of(code: int) -> int:
    """The wait status of a normal exit."""
    return (code & 0xFF) << 8


def do_group_exit(status: int) -> None:
    """The whole process ends with this wait status, unless a status stands already; the current task exits now."""
    task: Task = this.task
    process = process_of(task)
    with signal_lock(process):
        # While another thread is in exec, that one kills us, and not the process.
        if not process.exec_task or process.exec_task == task.index:
            signal.group_exit_locked(process, status)
    do_exit(status)


def do_exit(status: int, code: int | None = None) -> None:
    """The current task ends; `this.task` is None afterwards, and the slot belongs to somebody else.

    status: wait status, which counts where the process has no other. code: what join() returns; None = status >> 8.
    No lock is held. The caller has dropped the task's Python state, and then picks another task.
    """
    task: Task = this.task
    process = process_of(task)
    _leave_signals(process, task)
    rss = mms[task.mm].rss if task.mm else 0
    leave_memory(process, task)
    _leave_files(task)
    this.block.nr_exits += 1
    if EXIT.on:
        EXIT(status=status, rss_pages=rss)
    task.exit_code = code if code is not None else status >> 8
    with tasklist_lock:
        sched.account(task)
        with signal_lock(process):
            if task.is_leader and not process.flags & PF_GROUP_EXIT:
                process.exit_status = status & 0xFFFF
            process.nr_live -= 1
        sched.retire(task)
        rusage.charge_exited(process, task)
        _notify(process, task)


def first_program_status() -> int | None:
    """Wait status of the program that the machine was asked to run; None while it runs."""
    g = machine.s
    return g.program_status if g.program_done else None


# --- what the task gives up --------------------------------------------------------------------------------


def _leave_signals(process: Process, task: Task) -> None:
    """No signal is sent to this task any more; what waited for the process is offered to the other threads."""
    with signal_lock(process):
        task.exiting = 1
        stopped = jobctl.leave_stop_locked(process, task)
        for sig in signals_in(process.shared_pending & ~task.blocked):
            signal.offer_locked(process, sig)
    if stopped:
        jobctl.tell_parent_of(process, 0)


def leave_memory(process: Process, task: Task) -> None:
    """Give the address space back; the parent of a vfork goes on. exec does this too."""
    slot = task.mm
    if not slot:
        fork.release_vfork_parent(task)
        return
    mm = mms[slot]
    rusage.note_peak_rss(process, task)
    # A dying process's thread leaves its stack to exit_mmap(), unless somebody else goes on in this memory:
    # a thousand threads that unmap one by one are a thousand shootdowns.
    goes_on = mm.users > (process.nr_live if process.flags & PF_GROUP_EXIT else 1)
    if task.own_stack and goes_on:
        low = task.stack_low - PAGE_SIZE  # with its guard page
        do_munmap(mm, low, task.stack_top - low)
    task.own_stack = 0
    task.mm = 0
    if this.mm is mm:
        switch.load_mm(None)
    fork.release_vfork_parent(task)
    mmput(mm)


def _leave_files(task: Task) -> None:
    if task.files:
        files, task.files = fd_tables[task.files], 0
        fdtable.put_files(files)
    if task.fs:
        fs, task.fs = contexts[task.fs], 0
        fsctx.put_context(fs)


# --- telling the others, tasklist_lock held ------------------------------------------------------------------


def _notify(process: Process, task: Task) -> None:
    """Linux: exit_notify(). The task has left its CPU; its slot may be gone when this returns."""
    if not task.is_leader:
        machine.s.nr_tasks -= 1  # an exited thread costs only its slot
    if process.nr_live:
        if not task.is_leader:
            _end_thread(process, task)
        if process.exec_task and process.nr_live == 1:
            sched.wake(tasks[process.exec_task])
        return
    # The last one: the process is dead. Threads that nobody joined go with it.
    for t in threads_of(process):
        if not t.is_leader:
            release_thread(process, t)
    _stop_timers(process)
    _reparent_children(process)
    _orphan_groups(process)
    fork.put_sighand(process)
    process.life = process.life & ~PL_STOP_UNREAD | PL_ZOMBIE
    if process.pid == machine.s.program_pid and not machine.s.program_done:
        machine.s.program_status = process.exit_status
        machine.s.program_done = 1
        notify(SUPERVISOR)
    _tell_parent(process)


def _end_thread(process: Process, task: Task) -> None:
    """A thread of a process that goes on: wake who joins it; a process that is dying joins nobody."""
    if process.flags & PF_GROUP_EXIT or process.exec_task:
        release_thread(process, task)
        return
    waitqueue.wake_all(process.joiners)


def release_thread(process: Process, task: Task) -> None:
    """Free the slot of an exited thread."""
    with signal_lock(process):
        unlink_thread(process, task)
    free_task_pid(task.pid)
    free_task(task)


def unlink_thread(process: Process, task: Task) -> None:
    """Out of the process's list; tasklist_lock and its signal lock held."""
    threads.remove(process, task)
    process.nr_threads -= 1


def free_task(task: Task) -> None:
    """The slot may be handed out again."""
    sigqueue.drop_locked(task, -1)
    task.clear()
    tasks.free(task)


def _stop_timers(process: Process) -> None:
    with signal_lock(process):
        process.it_real_at = process.it_virt_at = process.it_prof_at = 0


def _reparent_children(process: Process) -> None:
    """Orphans go to init, which reads their status at once. Linux: forget_original_parent()."""
    init = processes[machine.s.init]
    for child in tree.children_of(process):
        tree.unlink_child(child)
        tree.link_child(child, init)
        if child.life & PL_ZOMBIE:
            release_process(child)
        else:
            # Its group may have lost the only parent who could continue it.
            _hang_up_if_orphaned(child.pgid, child, process)


def _orphan_groups(process: Process) -> None:
    """The process's own group may be orphaned by its going."""
    parent = processes[process.parent]
    if parent.pgid != process.pgid and parent.sid == process.sid:
        _hang_up_if_orphaned(process.pgid, process, process)


def _hang_up_if_orphaned(pgid: int, member: Process, leaving: Process) -> None:
    """SIGHUP and SIGCONT for a newly orphaned group with a stopped member. Linux: kill_orphaned_pgrp()."""
    if member is not leaving and (leaving.pgid == pgid or leaving.sid != member.sid):
        return  # the link that is lost did not hold the group
    if not any(p.flags & PF_STOPPED for p in tree.group_members(pgid)):
        return
    if tree.is_orphaned_group(pgid, leaving):
        kill.send_to_group_locked(pgid, SIGHUP)
        kill.send_to_group_locked(pgid, SIGCONT)


def _tell_parent(process: Process) -> None:
    """SIGCHLD and a zombie, or nothing to wait for where the parent ignores SIGCHLD or is init."""
    parent = processes[process.parent]
    if parent.life & PL_INIT:
        release_process(process)
        return
    ignored = sighands[parent.sighand].action[SIGCHLD] == SIG_IGN
    with signal_lock(parent):
        if not ignored:
            code, number = code_of(process.exit_status)
            signal.send_locked(parent, SIGCHLD, info=Info(code, process.pid, machine.s.uid, number))
    if ignored:
        release_process(process)
    else:
        tree.add_report(process)
    # Also where nothing is left: a waiter whose last child has gone gets ECHILD.
    waitqueue.wake_all(parent.children)


def release_process(process: Process) -> None:
    """Free a zombie: its pid, group, session and slots. tasklist_lock held. Linux: release_task()."""
    leader = tasks[process.leader]
    tree.unlink_child(process)
    tree.leave_group(process)
    put_pid(process.sid)
    free_task_pid(leader.pid)
    g = machine.s
    g.nr_tasks -= 1
    g.nr_processes -= 1
    free_task(leader)
    sigqueue.drop_locked(process, -1)
    process.clear()
    processes.free(process)


def code_of(status: int) -> tuple[int, int]:
    """(si_code, si_status) of a wait status, for waitid()."""
    return (CLD_KILLED, status & 0x7F) if status & 0x7F else (CLD_EXITED, status >> 8 & 0xFF)
