"""Interval timers: setitimer, getitimer, alarm. Deadlines of sleepers are kos.sched.timer's.

ITIMER_REAL is an absolute time in the arena, watched by the CPU on which it was set, whether the process runs,
sleeps or is stopped. ITIMER_VIRTUAL and ITIMER_PROF are amounts of CPU time of the whole process, looked at on the
timer ticks that hit it, so they are never early and at most a tick late; so is RLIMIT_CPU. Linux: kernel/time/itimer.c,
posix-cpu-timers.c.
"""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.platform.host.clock import now_ns
from kos.proc import signal
from kos.proc.sigdefs import SIGALRM, SIGKILL, SIGPROF, SIGVTALRM, SIGXCPU
from kos.sched import sched, timer
from kos.sched.structs import RLIM_INFINITY, Process, Task, process_of, processes, signal_lock, threads_of
from kos.sched.timer import expire_due as expire_due
from kos.sched.timer import next_deadline as next_deadline

REAL, VIRTUAL, PROF = range(3)
MAX_NS = (1 << 62) - 1


def setitimer(which: int, value_ns: int, interval_ns: int) -> tuple[int, int]:
    """Arm a timer of the current process, or with value 0 disarm it; (remaining, interval) of before."""
    if which not in (REAL, VIRTUAL, PROF) or value_ns < 0 or interval_ns < 0:
        raise GuestFault(errno.EINVAL)
    value_ns, interval_ns = min(value_ns, MAX_NS), min(interval_ns, MAX_NS)
    process = process_of(this.task)
    sched.account(this.task)
    with signal_lock(process):
        old = _read_locked(process, which)
        at = _clock_locked(process, which) + value_ns if value_ns else 0
        if which == REAL:
            process.it_real_at, process.it_real_every = at, interval_ns
            process.timer_cpu = this.id + 1
        elif which == VIRTUAL:
            process.it_virt_at, process.it_virt_every = at, interval_ns
        else:
            process.it_prof_at, process.it_prof_every = at, interval_ns
    if which == REAL and at:
        timer.watch(at, timer.REAL_TIMER, process.index)
    return old


def getitimer(which: int) -> tuple[int, int]:
    """(remaining, interval) in ns; remaining 0 = disarmed."""
    if which not in (REAL, VIRTUAL, PROF):
        raise GuestFault(errno.EINVAL)
    process = process_of(this.task)
    sched.account(this.task)
    with signal_lock(process):
        return _read_locked(process, which)


def alarm(seconds: int) -> int:
    """SIGALRM after so many seconds; 0 cancels. Seconds that were left before, rounded as Linux does, at least 1."""
    left, _ = setitimer(REAL, seconds * 1_000_000_000, 0)
    if not left:
        return 0
    whole, rest = divmod(left, 1_000_000_000)
    return whole + 1 if rest >= 500_000_000 or not whole else whole


def _clock_locked(process: Process, which: int) -> int:
    """What the timer counts, now."""
    if which == REAL:
        return now_ns()
    used = process.utime_ns + (process.stime_ns if which == PROF else 0)
    for t in threads_of(process):
        used += t.utime_ns + (t.stime_ns if which == PROF else 0)
    return used


def _read_locked(process: Process, which: int) -> tuple[int, int]:
    p = process
    at, every = (
        (p.it_real_at, p.it_real_every),
        (p.it_virt_at, p.it_virt_every),
        (p.it_prof_at, p.it_prof_every),
    )[which]
    # An armed timer never reads as 0: that would mean disarmed.
    return (max(at - _clock_locked(process, which), 1) if at else 0, every)


def _strike_real(slot: int, deadline_ns: int) -> None:
    """A watched time has come; nothing happens if the timer was set anew or the slot serves another process."""
    process = processes[slot]
    with signal_lock(process):
        if process.it_real_at != deadline_ns or process.timer_cpu != this.id + 1:
            return
        every = process.it_real_every
        at = 0
        if every:
            # A period that was slept through is not made up for.
            at = deadline_ns + every * ((now_ns() - deadline_ns) // every + 1)
            timer.watch(at, timer.REAL_TIMER, slot)
        process.it_real_at = at
        signal.send_locked(process, SIGALRM)


def _on_tick(task: Task, ran_ns: int) -> None:
    """The current process has used CPU time."""
    process = process_of(task)
    if process.rlimits[0] != RLIM_INFINITY:
        _check_limit(process)
    if not process.it_virt_at and not process.it_prof_at:
        return
    with signal_lock(process):
        if process.it_virt_at and (used := _clock_locked(process, VIRTUAL)) >= process.it_virt_at:
            process.it_virt_at = used + process.it_virt_every if process.it_virt_every else 0
            signal.send_locked(process, SIGVTALRM)
        if process.it_prof_at and (used := _clock_locked(process, PROF)) >= process.it_prof_at:
            process.it_prof_at = used + process.it_prof_every if process.it_prof_every else 0
            signal.send_locked(process, SIGPROF)


def _check_limit(process: Process) -> None:
    """RLIMIT_CPU: SIGXCPU at the soft limit and every second after it, SIGKILL at the hard one."""
    with signal_lock(process):
        used = _clock_locked(process, PROF) // 1_000_000_000
        if used >= process.rlimits[1]:
            signal.send_locked(process, SIGKILL)
        elif used >= max(process.rlimits[0], process.xcpu_at):
            process.xcpu_at = used + 1
            signal.send_locked(process, SIGXCPU)


timer.strike[timer.REAL_TIMER] = _strike_real
sched.tick_hooks.append(_on_tick)
