"""Process groups and sessions: setpgid, setsid and the questions about them. Linux: kernel/sys.c."""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.params import PID_MAX
from kos.proc import tree
from kos.proc.kill import process_by_pid
from kos.sched.pid import get_pid, put_pid
from kos.sched.structs import PL_EXECED, find_process, pid_groups, process_of, processes, tasklist_lock


def setpgid(pid: int, pgid: int) -> None:
    """Move the caller or one of its children to a group of the same session, or found one.

    EINVAL below zero, ESRCH for a stranger, EACCES for a child that has called exec, EPERM for a session leader,
    for a child in another session, and for a group that is not in the session.
    """
    me = process_of(this.task)
    with tasklist_lock:
        pid = pid or me.pid
        pgid = pgid or pid
        if pgid < 0:
            raise GuestFault(errno.EINVAL)
        process = find_process(pid)
        if process is None:
            raise GuestFault(errno.ESRCH)
        if process is not me:
            if process.parent != me.index:
                raise GuestFault(errno.ESRCH)
            if process.sid != me.sid:
                raise GuestFault(errno.EPERM)
            if process.life & PL_EXECED:
                raise GuestFault(errno.EACCES)
        if process.sid == process.pid:
            raise GuestFault(errno.EPERM)
        if pgid != pid:
            members = tree.group_members(pgid) if pgid < PID_MAX else []
            if not any(p.sid == me.sid for p in members):
                raise GuestFault(errno.EPERM)
        if process.pgid != pgid:
            # The new number first: leaving may free the old one, and both may be the same session's last use.
            get_pid(pgid)
            tree.leave_group(process)
            tree.join_group(process, pgid)
            put_pid(pgid)


def setsid() -> int:
    """The caller leads a new session and a new group in it. EPERM for a group leader."""
    me = process_of(this.task)
    with tasklist_lock:
        if pid_groups.v[me.pid]:
            raise GuestFault(errno.EPERM)
        get_pid(me.pid)
        put_pid(me.sid)
        me.sid = me.pid
        tree.leave_group(me)
        tree.join_group(me, me.pid)
        return int(me.pid)


def getpgid(pid: int) -> int:
    with tasklist_lock:
        return int(process_by_pid(pid).pgid)


def getsid(pid: int) -> int:
    with tasklist_lock:
        return int(process_by_pid(pid).sid)


def getppid() -> int:
    """0 in init and in nothing else."""
    with tasklist_lock:
        return int(processes[process_of(this.task).parent].pid)
