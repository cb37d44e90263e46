"""Times and counts of tasks, of processes, and of children that were waited for. Linux: getrusage(2), times(2)."""

from __future__ import annotations

from kos.hw.cpu import this
from kos.mm.structs import mms
from kos.sched import sched
from kos.sched.structs import Process, Task, tasks, threads_of

Rusage = tuple[float, float, int, int, int, int, int, int, int, int, int, int, int, int, int, int]
NOTHING: Rusage = (0.0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def charge_exited(process: Process, task: Task) -> None:
    """A task has ended: its counts become its process's; tasklist_lock held."""
    process.utime_ns += task.utime_ns
    process.stime_ns += task.stime_ns
    process.min_flt += task.min_flt
    process.maj_flt += task.maj_flt
    process.nr_switches += task.nr_switches
    process.nr_preempted += task.nr_preempted
    task.utime_ns = task.stime_ns = task.min_flt = task.maj_flt = task.nr_switches = task.nr_preempted = 0


def charge_waited(parent: Process, child: Process) -> None:
    """A child was waited for: it and its own children count as the parent's children; tasklist_lock held."""
    parent.c_utime_ns += child.utime_ns + child.c_utime_ns
    parent.c_stime_ns += child.stime_ns + child.c_stime_ns
    parent.c_min_flt += child.min_flt + child.c_min_flt
    parent.c_maj_flt += child.maj_flt + child.c_maj_flt
    parent.c_nr_switches += child.nr_switches + child.c_nr_switches
    parent.c_nr_preempted += child.nr_preempted + child.c_nr_preempted
    parent.c_max_rss = max(parent.c_max_rss, child.max_rss, child.c_max_rss)


def note_peak_rss(process: Process, task: Task) -> None:
    """The process is about to give its memory back."""
    process.max_rss = max(process.max_rss, mms[task.mm].peak_rss if task.mm else 0)


def times(process: Process) -> tuple[int, int, int, int]:
    """(user, system, children's user, children's system) in ns; tasklist_lock held."""
    if this.task is not None:
        sched.account(this.task)
    user, system = process.utime_ns, process.stime_ns
    for t in threads_of(process):
        user += t.utime_ns
        system += t.stime_ns
    return user, system, process.c_utime_ns, process.c_stime_ns


def of_self(process: Process) -> Rusage:
    """RUSAGE_SELF; tasklist_lock held."""
    user, system, _, _ = times(process)
    rest = [process.min_flt, process.maj_flt, process.nr_switches, process.nr_preempted]
    for t in threads_of(process):
        for k, n in enumerate((t.min_flt, t.maj_flt, t.nr_switches, t.nr_preempted)):
            rest[k] += n
    leader = tasks[process.leader]
    peak = max(process.max_rss, mms[leader.mm].peak_rss if leader.mm else 0)
    return _rusage(user, system, peak, *rest)


def of_children(process: Process) -> Rusage:
    """RUSAGE_CHILDREN; tasklist_lock held."""
    p = process
    return _rusage(p.c_utime_ns, p.c_stime_ns, p.c_max_rss, p.c_min_flt, p.c_maj_flt, p.c_nr_switches, p.c_nr_preempted)


def of_thread(task: Task) -> Rusage:
    """RUSAGE_THREAD."""
    sched.account(task)
    peak = mms[task.mm].peak_rss if task.mm else 0
    return _rusage(task.utime_ns, task.stime_ns, peak, task.min_flt, task.maj_flt, task.nr_switches, task.nr_preempted)


def of_child(child: Process) -> Rusage:
    """What wait4() tells: a child with the children that it waited for (RUSAGE_BOTH); tasklist_lock held."""
    both = zip(of_self(child), of_children(child), strict=True)
    merged = [a + b for a, b in both]
    merged[2] = max(of_self(child)[2], of_children(child)[2])
    return tuple(merged)  # type: ignore[return-value]  # sixteen numbers, as the two it is made of


def _rusage(user: int, system: int, peak: int, minor: int, major: int, voluntary: int, forced: int) -> Rusage:
    return (user / 1e9, system / 1e9, peak * 4, 0, 0, 0, minor, major, 0, 0, 0, 0, 0, 0, voluntary, forced)
