"""Who runs on this CPU: pick the next task, switch it out, wake it up, let it give way.

A run queue belongs to one CPU and is guarded by that CPU's lock, which also guards the state of every task that
belongs to the CPU (Task.cpu). Nobody holds two of these locks for long: a task moves by being taken off one queue
(Task.cpu says the new CPU from then on), and put onto the other under the other lock. In between it is READY, on
no queue and not on a CPU, and only who moves it touches it: wake() finds nothing to do, because it is awake.

A task whose context is hot (Task.ctx_len == 0) lives as Python objects in one CPU process: it is moved only by that
CPU, which saves it first. A saved one may be taken by anybody.
"""

from __future__ import annotations

from collections.abc import Callable

from kos.errors import KernelBug
from kos.hw import ipi
from kos.hw.cpu import this
from kos.hw.ipi import RESCHED, notify, send_ipi
from kos.platform.host.clock import now_ns
from kos.sched import balance, timer
from kos.sched.policy import in_use
from kos.sched.sigpending import recalc_sigpending
from kos.sched.structs import (
    ANY_SLEEP,
    BLOCKED,
    NEW,
    READY,
    RUNNING,
    SLEEPING,
    STOPPED,
    ZOMBIE,
    RunQueue,
    Task,
    machine,
    rq_locks,
    run_queues,
    tasks,
)
from kos.sync.spinlock import SpinLock
from kos.trace.events import MIGRATE, SWITCH, WAKEUP

_SIGKILL_BIT = 1 << 8


class _Local:
    """What interrupts have left for the next safepoint. This process only; interrupt handlers take no locks."""

    ticks = 0  #: timer ticks not yet accounted
    look = False  #: something wants the scheduler to look
    wanted = False  #: the CPU's main loop has something to do between two tasks; it says when that is done


local = _Local()
tick_hooks: list[Callable[[Task, int], None]] = []  #: (current task, ns it ran since the last tick); no locks held


def boot(nr_cpus: int) -> None:
    """Prepare the run queues of a new machine; in the parent, before the CPUs are forked."""
    machine.s.nr_cpus = nr_cpus
    for cpu in range(nr_cpus):
        run_queues[cpu + 1].clear()


# --- what the CPU's main loop does, in its order --------------------------------------------------


def pick_next() -> Task | None:
    """The task to run now: RUNNING, on_cpu, and `this.task`. None when there is nothing to run here.

    A CPU that finds its queue empty tries to take a task from another one, or asks for one.
    """
    me = this.id
    rq = run_queues[me + 1]
    if not rq.nr_queued and not balance.pull(me):
        return None
    lock = rq_locks[me]
    lock.acquire()
    try:
        task = in_use.scheduler.pick_next(rq)
        rq.need_resched = 0
        if task is None:
            return None
        task.state = RUNNING
        task.on_cpu = 1
        task.deadline_ns = 0
        task.since_ns = task.exec_start_ns = now_ns()
        rq.current = task.index
    finally:
        lock.release()
    this.task = task
    block = this.block
    block.current = task.index
    block.current_pid = task.pid
    block.nr_switches += 1
    if task.sigpending or task.tripped:
        local.look = True  # a signal came while it waited for the CPU: its first safepoint looks
        this.pending[0] = 1
    if SWITCH.on:
        SWITCH(next_pid=task.pid, prev_state=0)
    return task


def switch_out(task: Task, deadline_ns: int = 0, to: int | None = None) -> None:
    """The current task leaves this CPU: asleep if it still sleeps, back onto a run queue otherwise.

    deadline_ns: wake it then; 0 = never. to: the CPU that it moves to; its context is saved.
    """
    if task.sigpending and task.state == SLEEPING:
        recalc_sigpending(task)  # it may be a signal that another thread has taken since
    if to is not None and not task.ctx_len:
        raise KernelBug(f"pid {task.pid} moves to cpu {to}, but its context is not saved")
    me = this.id
    target = me if to is None else to
    rq = run_queues[me + 1]
    lock = rq_locks[me]
    lock.acquire()
    try:
        _account(rq, task)
        task.on_cpu = 0
        rq.current = 0
        state = task.state
        asleep = not task.sigpending if state == SLEEPING else state > SLEEPING and not _must_wake(task, state)
        if asleep:
            task.nr_switches += 1
            if deadline_ns:
                task.deadline_ns = deadline_ns
                timer.watch(deadline_ns, timer.SLEEPER, task.index)
        else:
            if state == RUNNING:
                task.nr_preempted += 1
            task.state = READY
            if target == me:
                in_use.scheduler.enqueue(rq, task, False)
                rq.nr_enqueued += 1
        task.cpu = target
    finally:
        lock.release()
    _leave_cpu()
    if target != me:
        this.block.nr_migrations += 1
        run_queues[target + 1].nr_migrated_in += 1
        if MIGRATE.on:
            MIGRATE(from_cpu=me, to_cpu=target)
        if not asleep:
            put_on_queue(task, target, woken=False)


def retire(task: Task) -> None:
    """The current task has ended: it leaves this CPU as a zombie. The caller must not touch it afterwards."""
    rq = run_queues[this.id + 1]
    with rq_locks[this.id]:
        _account(rq, task)
        task.on_cpu = 0
        task.state = ZOMBIE
        rq.current = 0
    _leave_cpu()


def set_running(task: Task) -> None:
    """The current task has thought better of sleeping."""
    with rq_locks[this.id]:
        task.state = RUNNING


def has_work() -> bool:
    """Is anything queued on this CPU? A hint, without the lock."""
    return bool(run_queues[this.id + 1].nr_queued)


def nr_tasks() -> int:
    """Tasks that count: all but init and exited threads that nobody joined. A hint, without the lock."""
    return machine.s.nr_tasks


def balance_idle() -> bool:
    """An idle CPU looks for work elsewhere; True when its queue holds a task now."""
    return has_work() or balance.pull(this.id)


# --- waking -------------------------------------------------------------------------------------------


def wake(task: Task, states: int = ANY_SLEEP) -> bool:
    """Make a task READY that is in one of `states` (bits); False when it is in none of them.

    Any lock before "rq" may be held. A task that has not left its CPU yet is only marked: switch_out() requeues it.
    """
    lock = lock_of(task)
    try:
        if not 1 << task.state & states:
            return False
        task.state = READY
        task.deadline_ns = 0
        if task.on_cpu:
            return True
        cpu = task.cpu
        target = balance.choose_cpu(task) if task.ctx_len else cpu  # a hot context stays where it is
        if target == cpu:
            preempts = _enqueue(run_queues[cpu + 1], task, True)  # its lock is the one that we have
        else:
            task.cpu = target
    finally:
        lock.release()
    if WAKEUP.on:
        WAKEUP(target_pid=task.pid, target_cpu=target)
    if target != cpu:
        put_on_queue(task, target, woken=True)
    elif preempts is not False:
        _tell(cpu, preempts)
    return True


def kick(task: Task, states: int) -> None:
    """Have a task look at its signals: wake it where it is in one of `states`, interrupt it where it runs."""
    if wake(task, states):
        return
    lock = lock_of(task)
    cpu = task.cpu if task.on_cpu else -1
    lock.release()
    if cpu == this.id:
        this.pending[0] = 1
    elif cpu >= 0:
        send_ipi(cpu, RESCHED, balance.LOOK)


def place_new(task: Task) -> None:
    """A task that fork has published starts: on the idlest CPU that it may use."""
    if task.state != NEW:
        raise KernelBug(f"pid {task.pid} is placed twice")
    target = balance.idlest(task.affinity)
    task.cpu = target
    task.state = READY
    put_on_queue(task, target, woken=False)


# --- giving way ---------------------------------------------------------------------------------------


def yield_cpu() -> None:
    """The current task goes to the end of its queue at its next safepoint."""
    rq = run_queues[this.id + 1]
    if rq.nr_queued:
        with rq_locks[this.id]:
            rq.need_resched = 1
        this.task.slice_ns = 0
        local.look = True
        this.pending[0] = 1


def tick() -> None:
    """A timer tick: remembered here (interrupt handlers take no locks), accounted at the next safepoint."""
    if this.task is not None:
        local.ticks += 1


def want_loop() -> None:
    """The current task gives way to this CPU's main loop at its next safepoint. Interrupt handlers may call it."""
    if this.task is not None:
        local.wanted = local.look = True
        this.pending[0] = 1


def need_resched() -> bool:
    """At a safepoint, no lock held: is the current task to give way, or to move to another CPU?"""
    task = this.task
    local.look = False
    if task is None:
        local.ticks = 0
        return False
    rq = run_queues[this.id + 1]
    if local.ticks:
        local.ticks = 0
        with rq_locks[this.id]:
            ran_ns = _account(rq, task)
            if in_use.scheduler.tick(rq, task):
                rq.need_resched = 1
        this.block.nr_ticks += 1
        for hook in tick_hooks:
            hook(task, ran_ns)
        timer.expire_due(now_ns())  # a CPU that computes for long still wakes its sleepers in time
        balance.push_on_tick(rq)
    if local.wanted or (balance.pulls_waiting() and rq.nr_queued):
        return True
    if not rq.need_resched:
        return False
    if rq.nr_queued or not task.affinity >> this.id & 1:
        return True
    with rq_locks[this.id]:
        rq.need_resched = 0
    return False


def wants_migration(task: Task) -> int | None:
    """The CPU that the current task should move to when it is switched out; None = it stays.

    One answer a request: a task that cannot be saved is not asked for again until the next tick.
    """
    if not task.affinity >> this.id & 1:
        return balance.idlest(task.affinity)
    return balance.take_request(task)


def account(task: Task) -> None:
    """Bring the current task's run time up to date (getrusage, times)."""
    with rq_locks[this.id]:
        _account(run_queues[this.id + 1], task)


# --- helpers ------------------------------------------------------------------------------------------


def _must_wake(task: Task, state: int) -> bool:
    """Did a signal come between the decision to sleep and the switch?"""
    if state == BLOCKED:
        return bool(task.pending & _SIGKILL_BIT)
    return state not in (STOPPED, ZOMBIE)


def lock_of(task: Task) -> SpinLock:
    """Take the lock of the run queue that the task belongs to."""
    while True:
        cpu = task.cpu
        lock = rq_locks[cpu]
        lock.acquire()
        if task.cpu == cpu:
            return lock
        lock.release()  # it moved while we waited


def put_on_queue(task: Task, cpu: int, *, woken: bool) -> None:
    """Queue a READY task that belongs to `cpu`, and tell that CPU."""
    with rq_locks[cpu]:
        preempts = _enqueue(run_queues[cpu + 1], task, woken)
    _tell(cpu, preempts)


def _enqueue(rq: RunQueue, task: Task, woken: bool) -> bool | None:
    """Queue a READY task; the queue's lock held. Must the current task give way to it? None: there is none."""
    scheduler = in_use.scheduler
    scheduler.enqueue(rq, task, woken)
    rq.nr_enqueued += 1
    current = rq.current
    if not current:
        return None
    preempts = scheduler.preempts(rq, tasks[current], task)
    if preempts:
        rq.need_resched = 1
    return preempts


def _tell(cpu: int, preempts: bool | None) -> None:
    """A CPU has one task more to run: interrupt it where need be. preempts: as _enqueue() has said; no rq lock held."""
    if preempts is None:
        if cpu != this.id:
            notify(cpu)  # it is idle, or between two tasks: either way it looks at its queue
    elif preempts:
        if cpu == this.id:
            local.look = True
            this.pending[0] = 1
        else:
            send_ipi(cpu, RESCHED, balance.LOOK)


def _account(rq: RunQueue, task: Task) -> int:
    """Charge the current task for the time since the last account; its rq lock held. Returns the ns."""
    now = now_ns()
    ran = now - task.since_ns
    task.since_ns = now
    task.utime_ns += ran
    in_use.scheduler.ran(rq, task, ran)
    return ran


def _leave_cpu() -> None:
    this.task = None
    this.block.current = 0
    this.block.current_pid = 0


def _wake_sleeper(slot: int, deadline_ns: int) -> None:
    """A deadline has come. The slot may serve another task by now, or the same one may sleep anew.

    That one is woken without need only if it sleeps until the same nanosecond, and who is woken looks again.
    """
    task = tasks[slot]
    if task.deadline_ns == deadline_ns:
        wake(task)


def _on_resched(sender: int, a: int, b: int, c: int) -> None:
    """RESCHED: takes no locks; what it leaves is looked at by need_resched()."""
    local.look = True
    if a == balance.PULL:
        balance.note_request(sender)


def _keep_pending() -> None:
    """After the queue was served: the guest's next safepoint must come here, though the message is consumed."""
    if this.task is not None and (local.look or local.ticks):
        this.pending[0] = 1


ipi.vectors[RESCHED] = _on_resched
ipi.poll_hooks.append(_keep_pending)
timer.strike[timer.SLEEPER] = _wake_sleeper
