"""/proc/<pid>: links, accounts and what can be set, in Linux's own formats (fs/proc/base.c, fs/proc/task_mmu.c)."""

from __future__ import annotations

import errno
import os
import sys

from kos.errors import GuestFault
from kos.fs.procfs import hooks, register, register_link
from kos.fs.proctask import mm_of, smap_rows, text_of_rows
from kos.mm import oom, views
from kos.mm.page_alloc import nr_total
from kos.sched.structs import Task, machine, pid_tasks, process_of, processes, tasks

_MOUNTS = (("tmpfs", "/", "tmpfs", "rw,relatime"), ("proc", "/proc", "proc", "rw,nosuid,nodev,noexec,relatime"))


def _of(task: Task | None) -> Task:
    assert task is not None  # registered with of_task
    return task


# --- links; fs_lock held -----------------------------------------------------------------------------


def _alive(pid: int) -> None:
    """ENOENT for a task that has given up what the link would lead to."""
    slot = pid_tasks.v[pid]
    if not slot or not tasks[slot].mm:
        raise GuestFault(errno.ENOENT)


def _exe(pid: int) -> bytes:
    """Guests are Python's: its own file runs them, though they cannot see it."""
    _alive(pid)
    return os.fsencode(sys.executable)


def _root(pid: int) -> bytes:
    _alive(pid)
    return b"/"


# --- memory ------------------------------------------------------------------------------------------


def _smaps_rollup(task: Task | None) -> str:
    with mm_of(_of(task)) as mm:
        if mm is None:
            return ""
        each = list(views.smaps(mm))
    if not each:
        return ""
    rows = smap_rows(each[0])
    totals = [(name, sum(smap_rows(s)[k][1] for s in each)) for k, (name, _) in enumerate(rows)]
    head = f"{each[0].map.start:08x}-{each[-1].map.end:08x} ---p 00000000 00:00 0 "
    return f"{head:<73}[rollup]\n" + text_of_rows(totals[3:])  # without the sizes


def _oom_score(task: Task | None) -> str:
    t = _of(task)
    with mm_of(t) as mm:
        if mm is None:
            return "0\n"
        points = oom.badness(oom.Candidate(t.tgid, mm, process_of(t).oom_adj))
    # Linux: proc_oom_score()
    return f"{(1000 + points * 1000 // nr_total()) * 2 // 3 if points else 0}\n"


def _oom_score_adj(task: Task | None) -> str:
    return f"{process_of(_of(task)).oom_adj}\n"


def _set_oom_score_adj(task: Task, data: bytes) -> None:
    try:
        value = int(data)
    except ValueError:
        raise GuestFault(errno.EINVAL) from None
    if not -1000 <= value <= 1000:
        raise GuestFault(errno.EINVAL)
    process = process_of(task)
    if value < process.oom_adj and not machine.s.may_raise:
        raise GuestFault(errno.EACCES)
    process.oom_adj = value


# --- the task ----------------------------------------------------------------------------------------


def _comm(task: Task | None) -> bytes:
    return _of(task).comm + b"\n"


def _set_comm(task: Task, data: bytes) -> None:
    task.comm = data.split(b"\0")[0][:15]


def _schedstat(task: Task | None) -> str:
    t = _of(task)
    return f"{t.utime_ns + t.stime_ns} 0 {t.nr_switches + t.nr_preempted}\n"


def _children(task: Task | None) -> str:
    pids = []
    slot = process_of(_of(task)).first_child
    while slot:
        pids.append(processes[slot].pid)
        slot = processes[slot].next_sibling
    return "".join(f"{pid} " for pid in pids)


def mounts(task: Task | None) -> str:
    return "".join(f"{device} {where} {kind} {options} 0 0\n" for device, where, kind, options in _MOUNTS)


def _mountinfo(task: Task | None) -> str:
    return "".join(
        f"{k} {min(k, 1)} 0:{20 + k} / {where} {options} - {kind} {device} rw\n"
        for k, (device, where, kind, options) in enumerate(_MOUNTS, 1)
    )


register_link("cwd", lambda pid: hooks.cwd_of(pid))
register_link("exe", _exe)
register_link("root", _root)
register("smaps_rollup", _smaps_rollup, of_task=True)
register("oom_score", _oom_score, of_task=True)
register("oom_score_adj", _oom_score_adj, of_task=True, write=_set_oom_score_adj)
register("comm", _comm, of_task=True, write=_set_comm)
register("schedstat", _schedstat, of_task=True)
register("children", _children, of_task=True)
register("mounts", mounts, of_task=True)
register("mountinfo", _mountinfo, of_task=True)
register("cgroup", lambda task: "0::/\n", of_task=True)
register("wchan", lambda task: "0", of_task=True)
register("personality", lambda task: "00000000\n", of_task=True)
register("loginuid", lambda task: "4294967295", of_task=True)
