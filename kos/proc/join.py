"""join(): the exit code of a thread. Linux has no such call; a C library builds it from a futex and a word."""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.proc.exit import release_thread
from kos.sched.structs import ZOMBIE, Task, find_task, process_of, tasklist_lock
from kos.sched.waitqueue import prepare_to_wait
from kos.traps import Wait

_WAITING = 0  #: word of Task.restart: the slot of the thread that this task is counted at, 0 = none


def join(tid: int) -> int | Wait:
    """Wait for a thread of the caller's process; its exit code, as often as there were waiters, then ESRCH.

    ESRCH: no joinable thread of the caller's process. EDEADLK: the caller itself.
    """
    me: Task = this.task
    process = process_of(me)
    with tasklist_lock:
        task = find_task(tid)
        if task is None or task.process != me.process or task.is_leader:
            raise GuestFault(errno.ESRCH)
        if task is me:
            raise GuestFault(errno.EDEADLK)
        if me.restart[_WAITING] != task.index:
            if not task.joinable:
                raise GuestFault(errno.ESRCH)
            task.nr_joiners += 1
            me.restart[_WAITING] = task.index
        if task.state != ZOMBIE:
            prepare_to_wait(process.joiners, tasklist_lock)
            return Wait(0)
        me.restart[_WAITING] = 0
        code = int(task.exit_code)
        # The code was asked for: it is gone for whoever asks later, and the slot with the last who waits.
        task.joinable = 0
        task.nr_joiners -= 1
        if not task.nr_joiners:
            release_thread(process, task)
        return code
