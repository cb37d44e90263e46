"""System calls on processes, threads and their groups, limits, times and priorities: arguments, then one call."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from kos.errors import GuestFault
from kos.fs import fdtable
from kos.fs.structs import fd_tables
from kos.hw.cpu import this
from kos.platform.host.clock import now_ns
from kos.proc import futex as futexes
from kos.proc import join as joining
from kos.proc import kill as kills
from kos.proc import rlimit, rusage, session, wait
from kos.proc.rusage import Rusage
from kos.proc.tree import group_members
from kos.sched import attr, sched
from kos.sched.policy import WEIGHTS
from kos.sched.structs import PL_INIT, Task, find_task, machine, process_of, tasklist_lock, threads_of
from kos.syscall.table import syscall
from kos.traps import Wait

INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1
P_ALL, P_PID, P_PGID, P_PIDFD = range(4)
RUSAGE_THREAD, RUSAGE_SELF, RUSAGE_CHILDREN = 1, 0, -1
PRIO_PROCESS, PRIO_PGRP, PRIO_USER = range(3)


# --- who am I ----------------------------------------------------------------------------------------------


@syscall("getpid")
def getpid() -> int:
    return int(this.task.tgid)


@syscall("gettid")
def gettid() -> int:
    return int(this.task.pid)


@syscall("getcpu")
def getcpu() -> int:
    return this.id


@syscall("getuid")
def getuid() -> int:
    return int(machine.s.uid)


@syscall("geteuid")
def geteuid() -> int:
    return int(machine.s.uid)


@syscall("getgid")
def getgid() -> int:
    return int(machine.s.gid)


@syscall("getegid")
def getegid() -> int:
    return int(machine.s.gid)


syscall("getppid")(session.getppid)
syscall("setsid")(session.setsid)
syscall("futex_wait")(futexes.futex_wait)
syscall("futex_wake")(futexes.futex_wake)
syscall("join")(joining.join)


@syscall("getpgid")
def getpgid(pid: int = 0) -> int:
    return session.getpgid(_int32(pid))


@syscall("getsid")
def getsid(pid: int = 0) -> int:
    return session.getsid(_int32(pid))


@syscall("setpgid")
def setpgid(pid: int, pgid: int) -> None:
    session.setpgid(_int32(pid), _int32(pgid))


@syscall("kill")
def kill(pid: int, sig: int) -> None:
    kills.kill(_int32(pid), _int32(sig))


@syscall("tgkill")
def tgkill(tgid: int, tid: int, sig: int) -> None:
    kills.tgkill(_int32(tgid), _int32(tid), _int32(sig))


@syscall("unshare_files")
def unshare_files(clear: bool) -> None:
    """rfork without RFPROC: a descriptor table of the caller's own, a copy or (clear) an empty one."""
    task: Task = this.task
    if not clear:
        task.files = fdtable.unshare_files(fd_tables[task.files]).index
        return
    new = fdtable.alloc_files()
    old, task.files = fd_tables[task.files], new.index
    fdtable.put_files(old)


# --- children ----------------------------------------------------------------------------------------------


@syscall("wait4")
def wait4(pid: int, options: int) -> tuple[int, int, Rusage] | Wait:
    """(pid, status, rusage); all zero with WNOHANG where no child has news."""
    known = wait.WNOHANG | wait.WUNTRACED | wait.WCONTINUED | wait.IGNORED_OPTIONS
    if options & ~known:
        raise GuestFault(errno.EINVAL)
    if pid == INT_MIN:
        raise GuestFault(errno.ESRCH)
    if pid == -1:
        kind, number = wait.ANY, 0
    elif pid > 0:
        kind, number = wait.PID, pid
    else:
        kind, number = wait.GROUP, -pid
    news = wait.do_wait(kind, number, options | wait.WEXITED)
    if isinstance(news, Wait):
        return news
    if news is None:
        return 0, 0, rusage.NOTHING
    return news.pid, news.status, news.usage


@syscall("waitid")
def waitid(idtype: int, number: int, options: int) -> tuple[int, int, int, int, int] | Wait | None:
    """(pid, uid, signo, status, code) as siginfo has them; None with WNOHANG where no child has news."""
    events = wait.WEXITED | wait.WSTOPPED | wait.WCONTINUED
    if options & ~(events | wait.WNOHANG | wait.WNOWAIT | wait.IGNORED_OPTIONS) or not options & events:
        raise GuestFault(errno.EINVAL)
    if idtype == P_ALL:
        kind = wait.ANY
    elif idtype == P_PID and number > 0:
        kind = wait.PID
    elif idtype == P_PGID and number >= 0:
        kind = wait.GROUP
    elif idtype == P_PIDFD and number >= 0:
        raise GuestFault(errno.EBADF)  # there are no such descriptors here
    else:
        raise GuestFault(errno.EINVAL)
    news = wait.do_wait(kind, number, options)
    if news is None or isinstance(news, Wait):
        return news
    return news.pid, machine.s.uid, 17, news.number, news.code


# --- scheduling --------------------------------------------------------------------------------------------


@syscall("sched_yield")
def sched_yield() -> None:
    """The caller goes to the end of its queue at its next safepoint, which is this call's return."""
    sched.yield_cpu()


@syscall("sched_getaffinity")
def sched_getaffinity(pid: int) -> set[int]:
    with tasklist_lock:
        mask = _task(pid).affinity
    return {cpu for cpu in range(machine.s.nr_cpus) if mask >> cpu & 1}


@syscall("sched_setaffinity")
def sched_setaffinity(pid: int, cpus: Iterable[int]) -> None:
    """CPUs that the machine does not have are left out; EINVAL when none remains."""
    mask = 0
    for cpu in cpus:
        if 0 <= cpu < machine.s.nr_cpus:
            mask |= 1 << cpu
    with tasklist_lock:
        task = _task(pid)
        if not mask:
            raise GuestFault(errno.EINVAL)
        attr.set_affinity(task, mask)


@syscall("nice")
def nice(increment: int) -> int:
    """The new nice value, within -20..19. EPERM to become more favourable without the right to it."""
    task: Task = this.task
    new = max(-20, min(19, task.nice + max(-40, min(40, increment))))
    if increment < 0 and not machine.s.may_favour:
        raise GuestFault(errno.EPERM)
    attr.set_nice(task, new, WEIGHTS[new + 20])
    return new


@syscall("getpriority")
def getpriority(which: int, who: int) -> int:
    """The most favourable nice value among those meant."""
    with tasklist_lock:
        return min(t.nice for t in _meant(which, who))


@syscall("setpriority")
def setpriority(which: int, who: int, value: int) -> None:
    value = max(-20, min(19, value))
    with tasklist_lock:
        for task in _meant(which, who):
            if value < task.nice and not machine.s.may_favour:
                raise GuestFault(errno.EACCES)
            attr.set_nice(task, value, WEIGHTS[value + 20])


# --- limits and accounts -----------------------------------------------------------------------------------


@syscall("getrlimit")
def getrlimit(res: int) -> tuple[int, int]:
    return rlimit.getrlimit(process_of(this.task), res)


@syscall("setrlimit")
def setrlimit(res: int, low: int, high: int) -> None:
    rlimit.setrlimit(process_of(this.task), res, low, high)


@syscall("getrusage")
def getrusage(who: int) -> Rusage:
    process = process_of(this.task)
    with tasklist_lock:
        if who == RUSAGE_SELF:
            return rusage.of_self(process)
        if who == RUSAGE_CHILDREN:
            return rusage.of_children(process)
        if who == RUSAGE_THREAD:
            return rusage.of_thread(this.task)
    raise GuestFault(errno.EINVAL)


@syscall("times")
def times() -> tuple[float, float, float, float, float]:
    """(user, system, children's user, children's system, elapsed) in seconds, in steps of the host's 10 ms."""
    with tasklist_lock:
        parts = rusage.times(process_of(this.task))
    user, system, c_user, c_system, elapsed = (n // 10_000_000 / 100 for n in (*parts, now_ns()))
    return user, system, c_user, c_system, elapsed


# --- helpers -----------------------------------------------------------------------------------------------


def _int32(n: int) -> int:
    """As C's int: what does not fit is an error of the caller's (CPython: OverflowError, before it comes here)."""
    if not INT_MIN <= n <= INT_MAX:
        raise GuestFault(errno.EINVAL)
    return n


def _task(pid: int) -> Task:
    """The task with this id, 0 = the caller; tasklist_lock held."""
    task = this.task if not pid else find_task(pid) if pid > 0 else None
    if task is None:
        raise GuestFault(errno.ESRCH)
    return task


def _meant(which: int, who: int) -> list[Task]:
    """Whom getpriority and setpriority mean; tasklist_lock held. Linux counts threads one by one."""
    me: Task = this.task
    if which == PRIO_PROCESS:
        return [_task(who if who >= 0 else _no_such())]
    if which == PRIO_PGRP:
        processes = group_members(who or process_of(me).pgid)
    elif which == PRIO_USER:
        if who not in (0, machine.s.uid):
            _no_such()
        processes = [p for p in kills.all_processes() if not p.life & PL_INIT]
    else:
        raise GuestFault(errno.EINVAL)
    found = [t for p in processes for t in threads_of(p)]
    if not found:
        _no_such()
    return found


def _no_such() -> int:
    raise GuestFault(errno.ESRCH)
