"""The structures of tasks and processes, and who may change what. Read this first.

    Process (thread group) --leader, threads--> Task --cpu--> RunQueue
       |--parent, children, reports                 '--wq_at--> WaitQueue (embedded in what is waited for)
       '--pgid, sid

A Task is what a CPU runs; a Process is what wait(), kill() and getpid() see: one or more tasks with one pid.
Linux: task_struct and signal_struct; FreeBSD: thread and proc.

States of a task, and who may change them:

    NEW       made by fork, not yet placed            fork, before it is published
    READY     runnable; queued, or on a CPU that      wake(), under the run queue's lock
              has not switched it out yet
    RUNNING   current on a CPU                        that CPU, under its run queue's lock
    SLEEPING  waits; any signal wakes it              its own CPU, under the wait queue's lock
    BLOCKED   waits; only a fatal signal wakes it     its own CPU, under tasklist_lock
    STOPPED   job control                             its own CPU, under the signal lock
    ZOMBIE    has exited, its status is not read      its own CPU, under tasklist_lock and the rq lock
    DEAD      nobody needs it any more; slot is free  whoever frees the slot, under tasklist_lock

A task goes to sleep in two steps: its call links it and says SLEEPING while it still runs; later its CPU
switches it out. A wake-up in between only says READY (the task is `on_cpu`), and the switch puts it back onto
the queue. A signal that comes in between is seen by the switch too: `sigpending` is stored before the run
queue's lock is taken, and looked at after. So no wake-up is lost and none needs the CPU to wait.
"""

from __future__ import annotations

import ctypes
from typing import Annotated, Any

from kos.arena.layout import Chars, Struct, i32, i64, layout, u16, u32, u64
from kos.arena.list import LinkedList
from kos.arena.table import Alone, Column, Table
from kos.params import MAX_CPUS, PID_MAX
from kos.sync.spinlock import LockPool, SpinLock

FREE, NEW, READY, RUNNING, SLEEPING, BLOCKED, STOPPED, ZOMBIE, DEAD = range(9)  #: Task.state
STATE_LETTERS = "XRRRSDTZX"  #: as /proc/<pid>/stat shows them
ANY_SLEEP = 1 << SLEEPING | 1 << BLOCKED  #: what an ordinary wake() ends

NSIG = 64
NR_RLIMITS = 16
RLIM_INFINITY = (1 << 64) - 1

# Process.flags, signal_lock(process) held
PF_GROUP_EXIT = 1  #: every task of it is to die; exit_status is final
PF_STOPPED = 2  #: all its tasks are stopped (Linux: SIGNAL_STOP_STOPPED)
PF_CONTINUED = 4  #: continued, and no waiter has been told (SIGNAL_STOP_CONTINUED)
PF_TELL_CONTINUED = 8  #: a task of it owes the parent a CLD_CONTINUED (SIGNAL_CLD_CONTINUED)
PF_TELL_STOPPED = 16  #: continued before its parent was told of the stop (SIGNAL_CLD_STOPPED)
# Process.life, tasklist_lock held
PL_EXECED = 1  #: has called exec since it was forked: setpgid by the parent is EACCES
PL_ZOMBIE = 2  #: all tasks are gone, status not read
PL_STOP_UNREAD = 4  #: stopped, and wait(WUNTRACED) has not been told
PL_INIT = 8  #: pid 1: no guest, takes no signals, reaps at once
PL_OOM_VICTIM = 16  #: killed to get memory back
# Task.jobctl, signal_lock(process) held
JC_STOP_PENDING = 1  #: has to take part in a group stop
JC_STOP_COUNTED = 2  #: and is counted in Process.nr_to_stop


@layout(size=8)
class WaitQueue(Struct):
    """Head of a queue of waiting tasks, embedded in what they wait for; under that object's lock."""

    head: u32  #: task slot; 0 = nobody waits
    tail: u32


@layout(size=512)
class Task(Struct):
    """One flow of control. Linux: task_struct. Slot numbers name tasks inside the kernel, pids outside."""

    # run_queue_lock(cpu) held (see the states above for `state`):
    state: u32
    on_cpu: u32  #: 1 = current on `cpu`: only that CPU may put it on a queue
    cpu: u32  #: whose run queue it belongs to; changes under that queue's lock, and only off a queue
    on_rq: u32  #: 1 = linked on the run queue
    rq_next: u32
    rq_prev: u32
    nice: i32  #: -20..19
    weight: u32  #: of `nice`: kos.sched.policy.WEIGHTS
    affinity: u64  #: bit per CPU that may run it
    vruntime: u64  #: ns of weighted run time (the scheduler policy's)
    slice_ns: u64  #: what is left of its time slice (the scheduler policy's)
    policy_words: Annotated[Any, ctypes.c_uint64 * 4]  #: free for scheduler plugins
    since_ns: u64  #: when run time was last accounted; its own CPU writes while it runs
    exec_start_ns: u64  #: when it was last switched in
    nr_switches: u64  #: voluntary switches
    nr_preempted: u64  #: involuntary ones
    # the lock of the wait queue that wq_lock names:
    wq_lock: u32  #: id of that lock; 0 = on no queue. Set by the task's own CPU only, cleared by wakers
    wq_next: u32
    wq_prev: u32
    woken: u32  #: 1 = a wake-up took it off its queue (not a signal, not the clock)
    wq_at: i64  #: where the queue's head lies, in bytes from the task table
    # its own CPU, while it runs or leaves:
    deadline_ns: u64  #: host clock; 0 = sleeps without limit
    restart: Annotated[Any, ctypes.c_uint64 * 4]  #: a system call's memory over its restarts; see kos.syscall
    result: i64  #: register 0: what its last trap answers
    ctx_addr: u64  #: vaddr of the saved context in its user stack
    ctx_len: u64  #: bytes; 0 = the context is hot in one CPU process, and the task may run only there
    ctx_cpu: u32  #: who saved it
    start_kind: u32  #: how the task begins (the runtime's)
    stack_top: u64  #: vaddr
    stack_low: u64
    start_arg: u64
    utime_ns: u64
    stime_ns: u64
    min_flt: u64
    maj_flt: u64
    pad0: u32
    nr_handlers: u32  #: signal handlers delivered; pause() looks whether it changed
    # constant from publication to release:
    pid: i32  #: tid, in Linux's words
    tgid: i32
    process: u32  #: process slot
    is_leader: u32
    start_ns: u64
    # its own CPU writes (references are dropped by do_exit in Linux's order):
    mm: u32
    files: u32
    fs: u32
    exiting: u32  #: 1 = in do_exit
    # tasklist_lock and signal_lock(process) held to write, either to read:
    thread_next: u32
    thread_prev: u32
    # tasklist_lock held:
    exit_code: i64  #: what join() returns
    joinable: u32  #: 1 = a thread whose exit code somebody may still ask for
    nr_joiners: u32  #: tasks that wait for it in join(); the last one frees the slot
    vfork_parent: u32  #: task that sleeps until this one has given its memory back; 0 = none
    vfork_child: u32  #: the other end
    own_stack: u64  #: 1 = its stack is a mapping of its own in a shared mm, unmapped when it exits
    # signal_lock(process) held:
    pending: u64  #: signals sent to this task: bit (sig - 1)
    blocked: u64  #: its mask; its own CPU writes
    tripped: u64  #: handlers that are to run at the next safepoint (CPython's own "tripped" flags)
    round: u64  #: those of the round of handlers that is going on which have not had their turn
    waiting_for: u64  #: signals that it takes in sigwait
    sigpending: u32  #: 1 = look at the signals before going back to the guest; read without the lock
    jobctl: u32
    fatal_status: u32  #: wait status of the signal that kills it, once it is known
    last_stop: u32
    sig_first: u32  #: queue of `pending`: see kos.proc.sigqueue
    sig_last: u32
    comm: Annotated[Chars, ctypes.c_char * 16]
    # the lock of the futex bucket held:
    futex_space: u64  #: what the word lies in, and where: see kos.proc.futex
    futex_offset: u64
    spare: Annotated[Chars, ctypes.c_char * 56]


@layout(size=1024)
class Process(Struct):
    """A thread group: what has a pid, a parent and an exit status. Linux: signal_struct and its leader."""

    # tasklist_lock held:
    pid: i32
    pgid: i32
    sid: i32
    life: u32  #: PL_*
    leader: u32  #: task slot
    parent: u32  #: process slot
    first_child: u32
    last_child: u32
    next_sibling: u32  #: in the parent's list, oldest first
    prev_sibling: u32
    nr_children: u32
    first_report: u32  #: children that wait() may have something to say about, by age
    last_report: u32
    next_report: u32
    prev_report: u32
    on_report: u32
    pg_next: u32  #: next process of its process group
    pg_prev: u32
    # tasklist_lock and signal_lock held to write, either to read:
    first_thread: u32
    last_thread: u32
    nr_live: u32  #: tasks that have not begun to exit
    nr_threads: u32  #: tasks with a slot (exited threads that nobody joined included)
    # tasklist_lock held:
    children: Annotated[WaitQueue, WaitQueue]  #: its tasks that wait for children
    joiners: Annotated[WaitQueue, WaitQueue]  #: tasks that wait in join()
    age: u64  #: grows with every fork: the order of siblings
    start_ns: u64
    exit_status: u32  #: wait status; final with PF_GROUP_EXIT, or when the leader has exited
    nr_execs: u32
    # signal_lock(process) held:
    flags: u32  #: PF_*
    sighand: u32
    shared_pending: u64
    sig_first: u32  #: queue of `shared_pending`
    sig_last: u32
    stop_sig: u32  #: signal of the group stop under way or complete; 0 = none
    nr_to_stop: u32  #: tasks that have yet to take part
    exec_task: u32  #: task that waits in exec for the others to die; 0 = none
    timer_cpu: u32  #: cpu + 1 that watches it_real
    it_real_at: u64  #: ns, host clock; 0 = disarmed
    it_real_every: u64
    it_virt_at: u64  #: when the process will have used so much user time, in ns; 0 = disarmed
    it_virt_every: u64
    it_prof_at: u64  #: the same for user and system time
    it_prof_every: u64
    # tasklist_lock held: times of tasks that are gone, and of children that were waited for
    utime_ns: u64
    stime_ns: u64
    min_flt: u64
    maj_flt: u64
    nr_switches: u64
    nr_preempted: u64
    max_rss: u64  #: pages
    c_utime_ns: u64
    c_stime_ns: u64
    c_min_flt: u64
    c_maj_flt: u64
    c_nr_switches: u64
    c_nr_preempted: u64
    c_max_rss: u64
    # tasklist_lock held to write; read without:
    rlimits: Annotated[Any, ctypes.c_uint64 * (2 * NR_RLIMITS)]  #: soft, hard
    oom_adj: i64  #: -1000 (never killed for memory) to 1000
    xcpu_at: u64  #: signal_lock(process) held: seconds of CPU time at which the next SIGXCPU is due; 0 = at the limit
    spare: Annotated[Chars, ctypes.c_char * 424]


@layout(size=80)
class Sighand(Struct):
    """What a process does with each signal; shared by CLONE_SIGHAND. Linux: sighand_struct.

    The actions are single bytes and change under the signal lock of the process that changes them; another
    process that shares them reads a byte without that lock, and sees the old or the new action.
    """

    refcount: u32  #: processes; tasklist_lock held
    pad: u32
    action: Annotated[Any, ctypes.c_uint8 * 65]  #: SIG_DFL, SIG_IGN or HANDLER, by signal number
    no_interrupt: Annotated[Chars, ctypes.c_char * 7]


@layout(size=128)
class RunQueue(Struct):
    """What one CPU has to run. Slot = cpu number + 1. Linux: struct rq."""

    # run_queue_lock(cpu) held; nr_queued and current are also read without it, as a hint:
    head: u32
    tail: u32
    nr_queued: u32  #: READY tasks that wait here; the current one is not among them
    current: u32  #: task slot; 0 = idle
    need_resched: u32  #: 1 = the current task is to give way at its next safepoint
    pad: u32
    min_vruntime: u64
    load: u64  #: sum of the queued tasks' weights
    policy_words: Annotated[Any, ctypes.c_uint64 * 8]  #: free for scheduler plugins
    nr_migrated_in: u64
    nr_enqueued: u64
    pad1: u64


@layout(size=64)
class Global(Struct):
    """What the machine as a whole knows about its tasks."""

    # tasklist_lock held:
    last_pid: u32  #: handed out last: the search goes on behind it
    nr_tasks: u32  #: tasks that count against RLIMIT_NPROC
    nr_processes: u32  #: with zombies
    age: u64
    nr_forks: u64
    program_pid: i32  #: the program that the machine was asked to run; 0 = none
    program_done: u32  #: 1 = it has ended
    program_status: u32  #: its wait status
    init: u32  #: process slot of pid 1
    uid: u32  #: of every process: whoever runs the machine
    gid: u32
    nr_cpus: u32
    may_favour: u16  #: 1 = guests may lower nice values (CAP_SYS_NICE)
    may_raise: u16  #: 1 = guests may raise hard limits (CAP_SYS_RESOURCE)


tasks: Table[Task] = Table(Task, "tasks", lambda p: p.nr_tasks)
processes: Table[Process] = Table(Process, "processes", lambda p: p.nr_tasks)
sighands: Table[Sighand] = Table(Sighand, "sighands", lambda p: p.nr_tasks)
run_queues: Table[RunQueue] = Table(RunQueue, "run_queues", MAX_CPUS + 2)
machine: Alone[Global] = Alone(Global, "sched_global")
pid_tasks = Column("pid_tasks", "I", PID_MAX)  #: task slot of a pid; 0 = none. tasklist_lock held
pid_groups = Column("pid_groups", "I", PID_MAX)  #: first process of the process group. tasklist_lock held
pid_refs = Column("pid_refs", "I", PID_MAX)  #: uses as pid, pgid or sid; 0 = free. tasklist_lock held

tasklist_lock = SpinLock("tasklist", "tasklist")
signal_locks = LockPool("signal", "signal")  #: by process slot
rq_locks = [SpinLock(f"rq[{cpu}]", "rq") for cpu in range(MAX_CPUS)]  #: by cpu number


def process_of(task: Task) -> Process:
    return processes[task.process]


def signal_lock(process: Process) -> SpinLock:
    return signal_locks[process.index]


threads = LinkedList(Process, tasks, head="first_thread", tail="last_thread", next="thread_next", prev="thread_prev")
threads_of = (
    threads.items
)  #: every task of a process with a slot, the leader first; tasklist_lock or its signal lock held


def find_task(pid: int) -> Task | None:
    """The task with this pid or tid; tasklist_lock held."""
    if not 0 < pid < PID_MAX:
        return None
    slot = pid_tasks.v[pid]
    return tasks[slot] if slot else None


def find_process(pid: int) -> Process | None:
    """The process with this pid (a zombie too); tasklist_lock held."""
    task = find_task(pid)
    return processes[task.process] if task is not None and task.is_leader else None
