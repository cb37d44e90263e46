"""kill(), tgkill() and the end of all: who is meant by a number, and who may send."""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.proc import signal, tree
from kos.proc.sigdefs import NSIG, SIGKILL
from kos.proc.sigqueue import FROM_KERNEL, SI_TKILL, SI_USER, Info
from kos.sched.structs import (
    PL_INIT,
    PL_ZOMBIE,
    Process,
    find_process,
    find_task,
    machine,
    process_of,
    processes,
    signal_lock,
    tasklist_lock,
)


def kill(pid: int, sig: int) -> None:
    """kill(2): pid > 0 a process, 0 the caller's group, -1 everybody but init and the caller, < -1 a group."""
    me = process_of(this.task)
    with tasklist_lock:
        if pid > 0:
            # A thread's id names its process, as on Linux.
            task = find_task(pid)
            targets = [process_of(task)] if task is not None else []
        elif pid == -1:
            targets = [p for p in all_processes() if p is not me and not p.life & PL_INIT]
        else:
            targets = tree.group_members(-pid if pid else me.pgid)
        if not targets:
            raise GuestFault(errno.ESRCH)
        # Linux looks for somebody to send it to before it looks at the signal: check_kill_permission().
        if not 0 <= sig < NSIG:
            raise GuestFault(errno.EINVAL)
        if pid > 0 and targets[0].life & PL_INIT and machine.s.uid != 0:
            raise GuestFault(errno.EPERM)
        if sig:
            # The caller's own signal last: what it sends to its group must reach all others first.
            info = Info(SI_USER, me.pid, machine.s.uid)
            for process in sorted(targets, key=lambda p: p is me):
                _send(process, sig, info)


def tgkill(tgid: int, tid: int, sig: int) -> None:
    """Send to one task of a process; tgid 0: of any (tkill)."""
    if tid <= 0 or tgid < 0:
        raise GuestFault(errno.EINVAL)
    with tasklist_lock:
        task = find_task(tid)
        if task is None or task.exiting or (tgid and task.tgid != tgid):
            raise GuestFault(errno.ESRCH)
        if not 0 <= sig < NSIG:
            raise GuestFault(errno.EINVAL)
        if sig:
            process = process_of(task)
            with signal_lock(process):
                me = process_of(this.task)
                signal.send_locked(process, sig, task, Info(SI_TKILL, me.pid, machine.s.uid))


def send_to_group(pgid: int, sig: int) -> None:
    """Send to every process of a group (the terminal's Ctrl-C); nothing happens when it is empty."""
    with tasklist_lock:
        send_to_group_locked(pgid, sig)


def send_to_group_locked(pgid: int, sig: int) -> None:
    for process in tree.group_members(pgid):
        _send(process, sig)


def kill_all() -> int:
    """SIGKILL to every process but init; how many there still are, zombies included. Called until it says 0.

    The machine is being shut down: the first program has ended, what it left behind has to go.
    """
    with tasklist_lock:
        left = [p for p in all_processes() if not p.life & PL_INIT]
        for process in left:
            if not process.life & PL_ZOMBIE:
                _send(process, SIGKILL)
        return len(left)


def all_processes() -> list[Process]:
    """Every process, zombies and init included; tasklist_lock held."""
    return [p for p in processes.used() if p.pid]


def process_by_pid(pid: int) -> Process:
    """The process with this pid, or GuestFault(ESRCH); tasklist_lock held. 0 = the caller's."""
    process = find_process(pid) if pid else process_of(this.task)
    if process is None:
        raise GuestFault(errno.ESRCH)
    return process


def _send(process: Process, sig: int, info: Info = FROM_KERNEL) -> None:
    if process.life & PL_ZOMBIE:
        return  # it may be signalled, to no effect
    with signal_lock(process):
        signal.send_locked(process, sig, None, info)
