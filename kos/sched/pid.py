"""Pids: handed out in order, wrapping at PID_MAX, and never one that is in use as pid, tid, pgid or sid.

FreeBSD's fork_findpid() keeps `lastpid` and `pidchecked`, the end of a range known to be free, because each look
means a walk over all processes and groups. Here a count of uses stands beside every pid, so a look is one load;
what is kept of it is the order (last pid first) and that a group or session id blocks its number too: a new
process with the pid of an old group would become that group's leader.
"""

from __future__ import annotations

import errno

from kos.errors import GuestFault, KernelBug
from kos.params import PID_MAX
from kos.sched.structs import machine, pid_refs, pid_tasks

FIRST_PID = 2  #: after a wrap, too: 1 is init (Linux leaves out everything below RESERVED_PIDS, 300)


def alloc_pid() -> int:
    """The next free pid, held once; tasklist_lock held. GuestFault(EAGAIN) when all are in use.

    Nobody finds a task by it before publish_pid(): fork can still fail.
    """
    g = machine.s
    refs = pid_refs.v
    pid = g.last_pid + 1
    if not FIRST_PID <= pid < PID_MAX:
        pid = FIRST_PID
    if refs[pid]:
        pid = _search(pid)
    g.last_pid = pid
    refs[pid] = 1
    return pid


def publish_pid(pid: int, task_slot: int) -> None:
    """From now on the pid names this task; tasklist_lock held."""
    pid_tasks.v[pid] = task_slot


def free_task_pid(pid: int) -> None:
    """The task with this pid is gone; its number may live on as a group's or session's. tasklist_lock held."""
    pid_tasks.v[pid] = 0
    put_pid(pid)


def get_pid(pid: int) -> None:
    """One more use of the number, as pgid or sid; tasklist_lock held."""
    pid_refs.v[pid] += 1


def put_pid(pid: int) -> None:
    """One use less; the number is free with the last. tasklist_lock held."""
    n = pid_refs.v[pid]
    if n == 0:
        raise KernelBug(f"pid {pid} is put once too often")
    pid_refs.v[pid] = n - 1


def nr_used() -> int:
    """Numbers in use, init's among them; tasklist_lock held or the machine quiet."""
    return int((pid_refs.np != 0).sum())


def _search(start: int) -> int:
    """The first free pid from start on, then from the beginning."""
    refs = pid_refs.np
    for low, high in ((start, PID_MAX), (FIRST_PID, start)):
        free = (refs[low:high] == 0).nonzero()[0]
        if len(free):
            return int(low + free[0])
    raise GuestFault(errno.EAGAIN)
