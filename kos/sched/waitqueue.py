"""Wait queues: a task parks under the lock of what it waits for, and a waker takes it off under the same lock.

    with lock:
        if not ready:
            prepare_to_wait(queue, lock)
            return Wait(deadline_ns)

A system call that waits does not block: it links the task, says SLEEPING and returns a Wait; the CPU switches
the task out, and the call is executed again from its start once the task is awake. A task is on at most one queue.
Whoever wakes a task by its queue unlinks it; a task that was woken by a signal or by the clock unlinks itself in
finish_wait(). It finds the lock by the id that is kept in the task, because the queue lies inside an object
whose kind the task does not know.
"""

from __future__ import annotations

import ctypes

from kos.arena.list import LinkedList
from kos.errors import KernelBug
from kos.hw.cpu import this
from kos.sched import sched
from kos.sched.structs import BLOCKED, RUNNING, SLEEPING, Task, WaitQueue, tasks
from kos.sync.spinlock import ALL, SpinLock
from kos.traps import Wait as Wait

WOKEN = 2  #: word of Task.restart: 1 = the last sleep was ended by the queue, and not by a signal or the clock
_waiting = LinkedList(WaitQueue, tasks, head="head", tail="tail", next="wq_next", prev="wq_prev")
waiters = _waiting.items  #: the tasks on a queue, oldest first; its lock held


def prepare_to_wait(queue: WaitQueue, lock: SpinLock, *, killable: bool = False) -> None:
    """Link the current task at the queue's end and put it to sleep; `lock`, which guards the queue, is held.

    killable: only a fatal signal ends the sleep. The task goes on running until its call returns the Wait.
    """
    task: Task = this.task
    if task.wq_lock:
        raise KernelBug(f"pid {task.pid} waits on two queues")
    task.wq_at = ctypes.addressof(queue) - tasks.addr
    _waiting.append(queue, task)
    task.woken = 0
    task.restart[WOKEN] = 0
    task.wq_lock = lock.id
    task.state = BLOCKED if killable else SLEEPING


def finish_wait(task: Task) -> bool:
    """The current task no longer waits: off its queue if it is still on one. Was it woken by the queue?

    Called by the CPU that runs the task, after every sleep, and before the task does anything else when a
    call changes its mind about a sleep. The object's lock must not be held.
    """
    while lock_id := task.wq_lock:
        lock = ALL[lock_id - 1]
        with lock:
            # A waker may have been faster; only this CPU could link the task again, so the lock is still the right one.
            if task.wq_lock:
                _unlink(WaitQueue.from_address(tasks.addr + task.wq_at), task)
    if task.state != RUNNING:
        sched.set_running(task)
    if not task.woken:
        return False
    task.woken = 0
    task.restart[WOKEN] = 1
    return True


def wake_one(queue: WaitQueue) -> bool:
    """Wake the task that waits longest; its lock held. False when none waits.

    A task that a signal has woken meanwhile, and that has not unlinked itself yet, is passed over: its call may
    end with EINTR and would swallow the wake-up.
    """
    while queue.head:
        if wake_task(queue, tasks[queue.head]):
            return True
    return False


def wake_all(queue: WaitQueue) -> int:
    """Wake every task on the queue; its lock held. Returns how many were asleep."""
    woken = 0
    while first := queue.head:
        woken += wake_task(queue, tasks[first])
    return woken


def wake_task(queue: WaitQueue, task: Task) -> bool:
    """Take this task off the queue and wake it; the queue's lock held. False when it was awake already."""
    woken = sched.wake(task)
    # `woken` before wq_lock is cleared: finish_wait() on another CPU trusts it once it sees no lock.
    if woken:
        task.woken = 1
    _unlink(queue, task)
    return woken


def _unlink(queue: WaitQueue, task: Task) -> None:
    _waiting.remove(queue, task)
    task.wq_lock = 0
