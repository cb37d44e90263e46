"""begin_exec(): the current process becomes another program.

    before the point of no return   the program is looked up, a fresh address space is made: errors are the caller's
    after it                        other threads are gone, memory, handlers, close-on-exec descriptors follow

The caller of exec survives with the process's pid, whichever thread it was: a thread that is not the leader waits for
the leader's end and takes over its number. Killing the others takes time, so begin_exec() may return a Wait, and is
then called again. Linux: fs/exec.c, begin_new_exec(), de_thread().
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence

from kos.errors import GuestFault
from kos.fs import fdtable
from kos.fs.structs import fd_tables
from kos.hw.cpu import this
from kos.mm import switch
from kos.mm.mm import mm_alloc, mmput
from kos.proc import exit as proc_exit
from kos.proc import fork, signal
from kos.proc.sigdefs import SIGSEGV
from kos.sched.pid import free_task_pid, publish_pid
from kos.sched.structs import (
    BLOCKED,
    PL_EXECED,
    Process,
    Task,
    machine,
    process_of,
    signal_lock,
    tasklist_lock,
    tasks,
    threads_of,
)
from kos.trace.events import EXEC
from kos.traps import INLINE, Wait

ARG_MAX = 2 << 20  #: bytes of arguments and environment (Linux: a quarter of an 8 MiB stack)
MAX_ARG_STRLEN = 131072

Checker = Callable[[str, Sequence[str]], tuple[str, Sequence[str]]]


def _as_given(path: str, argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    return path, argv


class _Hooks:
    """Set at boot: (path, argv) -> (program file, argv); raises GuestFault (ENOENT, EACCES, ENOEXEC, ...)."""

    resolve: Checker = staticmethod(_as_given)


hooks = _Hooks()


def begin_exec(path: str, argv: Sequence[str], env: Mapping[str, str] | None) -> tuple[str, Sequence[str]] | Wait:
    """The program to start and its arguments, the process emptied for it; a Wait while other threads still end.

    On return the task has a fresh address space that is loaded, and no stack in it yet. GuestFault: nothing has
    changed (EAGAIN: the process is dying, or another thread is in exec); or there is no way back to a program whose
    threads are gone, and the process has been killed (Linux: force_fatal_sig(SIGSEGV) in bprm_execve()).
    """
    task: Task = this.task
    process = process_of(task)
    has_ended_threads = process.exec_task == task.index
    try:
        return _begin_exec(task, process, path, argv, env)
    except GuestFault:
        if has_ended_threads:
            with signal_lock(process):
                signal.group_exit_locked(process, SIGSEGV)
        raise


def _begin_exec(
    task: Task, process: Process, path: str, argv: Sequence[str], env: Mapping[str, str] | None
) -> tuple[str, Sequence[str]] | Wait:
    _check_size(argv, env)
    program = hooks.resolve(path, argv)
    mm = mm_alloc()
    try:
        waiting = _end_other_threads(process, task)
        if waiting is None:
            fork.unshare_sighand(process)
            _unshare_files(task)
    except GuestFault:
        mmput(mm)
        raise
    if waiting is not None:
        mmput(mm)
        return waiting
    proc_exit.leave_memory(process, task)
    task.mm = mm.index
    switch.load_mm(mm)
    with signal_lock(process):
        signal.drop_handlers_locked(process)
    if task.files:
        fdtable.close_on_exec(fd_tables[task.files])
    task.ctx_len = task.stack_low = task.stack_top = 0
    for k in range(4):
        task.restart[k] = 0
    with tasklist_lock:
        process.life |= PL_EXECED
        process.nr_execs += 1
        task.comm = _comm(program[0]).encode("utf-8", "surrogateescape")[:15]
    if EXEC.on:
        EXEC(path=program[0])
    return program


def _comm(path: str) -> str:
    """The name that the process goes by."""
    return "python" if path.startswith(INLINE) else path.rpartition("/")[2]


def _check_size(argv: Sequence[str], env: Mapping[str, str] | None) -> None:
    strings = [*argv, *(f"{k}={v}" for k, v in (env or {}).items())]
    sizes = [len(s.encode("utf-8", "surrogateescape")) + 1 for s in strings]
    if sum(sizes) + 8 * len(sizes) > ARG_MAX or any(n > MAX_ARG_STRLEN for n in sizes):
        raise GuestFault(errno.E2BIG)


def _unshare_files(task: Task) -> None:
    if task.files:
        task.files = fdtable.unshare_files(fd_tables[task.files]).index


def _end_other_threads(process: Process, task: Task) -> Wait | None:
    """Kill the others; a Wait until they are gone, then None with the current task as the leader."""
    with tasklist_lock, signal_lock(process):
        if signal.fatal_pending(task) or process.exec_task not in (0, task.index):
            raise GuestFault(errno.EAGAIN)
        if process.nr_live > 1:
            if not process.exec_task:
                process.exec_task = task.index
                for t in threads_of(process):
                    if t is not task:
                        signal.kill_task_locked(t)
            # Woken by _notify() of the last one, or killed like anybody else.
            task.state = BLOCKED
            return Wait(0)
    with tasklist_lock:
        _become_leader(process, task)
    return None


def _become_leader(process: Process, task: Task) -> None:
    """Exited threads go; if the caller is not the leader it takes over pid and place. tasklist_lock held."""
    old = tasks[process.leader]
    for t in threads_of(process):
        if t is not task and t is not old:
            proc_exit.release_thread(process, t)
    if old is not task:
        free_task_pid(task.pid)
        with signal_lock(process):
            proc_exit.unlink_thread(process, old)
            task.pid = task.tgid
            task.is_leader = 1
            task.joinable = 0
            task.start_ns = old.start_ns
            process.leader = task.index
        publish_pid(task.pid, task.index)
        proc_exit.free_task(old)
        machine.s.nr_tasks -= 1  # one of the two counts is the process's
        this.block.current_pid = task.pid
    process.exec_task = 0
