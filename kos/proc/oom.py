"""Out of memory: the process that memory management chooses is killed, with all that share its memory.

One at a time: as long as a victim has not given its memory back nobody else is chosen, and who needs a frame gives way
and tries again. Linux: mm/oom_kill.c, oom_kill_process(); who is chosen, and why: kos/mm/oom.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from kos.hw.cpu import this
from kos.mm import oom
from kos.mm.oom import Candidate
from kos.mm.structs import Mm, mms
from kos.proc import signal
from kos.proc.kill import all_processes
from kos.proc.sigdefs import SIGKILL
from kos.sched.structs import (
    PL_INIT,
    PL_OOM_VICTIM,
    PL_ZOMBIE,
    Process,
    find_process,
    process_of,
    signal_lock,
    tasklist_lock,
    threads_of,
)
from kos.trace.events import OOM_KILL


def kill_one(vaddr: int) -> None:
    """The current task's fault at vaddr found no frame: see to it that some come free. No lock held.

    The caller gives way after this and makes the access again; it may be the victim itself.
    """
    with tasklist_lock:
        if any(p.life & PL_OOM_VICTIM and _memory_of(p) is not None for p in all_processes()):
            return
        pid, rss, why = oom.select_victim()
        victim = find_process(pid) if pid else None
        if victim is None:
            victim, rss = process_of(this.task), 0  # nobody has anything to give: then who asks
        mm = _memory_of(victim)
        for process in all_processes():
            if process is victim or (mm is not None and _memory_of(process) is mm):
                process.life |= PL_OOM_VICTIM
                with signal_lock(process):
                    signal.send_locked(process, SIGKILL)
        pid = victim.pid
    this.block.nr_oom += 1
    if OOM_KILL.on:
        OOM_KILL(victim_pid=pid, rss_pages=rss, reason=f"fault at {vaddr:#x}: {why}")


def _memory_of(process: Process) -> Mm | None:
    """The address space that the process has not given back yet; tasklist_lock held."""
    if process.life & (PL_INIT | PL_ZOMBIE):
        return None
    for task in threads_of(process):
        if task.mm:
            return mms[task.mm]
    return None


def _candidates() -> Iterator[Candidate]:
    """Every process that could be killed; tasklist_lock held."""
    for process in all_processes():
        mm = _memory_of(process)
        if mm is not None:
            yield Candidate(process.pid, mm, process.oom_adj)


oom.hooks.candidates = _candidates
