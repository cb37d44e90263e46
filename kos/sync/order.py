"""THE lock order: a CPU may take a lock only if every lock it holds stands earlier in this list.

Locks of one rank are pools (one host semaphore serves many objects, by hash), so two locks of one rank
are never held together. The debug mode (`kos run --debug-locks`) checks every acquisition against it.
"""

from __future__ import annotations

ORDER = (
    "tasklist",  # task table, pids, parent/children/sibling lists, process groups and sessions
    "fs",  # directories, names, inodes' references and link counts
    "files",  # open-file descriptions and descriptor tables (pool)
    "inode",  # a file's size and contents against each other (pool)
    "pipe",  # a pipe's ring and its wait queues; the console's (pool)
    "futex",  # a futex bucket and its wait queue (pool)
    "mm",  # an address space: vmas, page tables, counters (pool)
    "mapping",  # a file's or shared memory's page cache (pool)
    "zone",  # the page allocator
    "frame",  # frame descriptors: reference and map counts
    "signal",  # signal actions and pending sets of a process (pool)
    "sigqueue",  # the free list of entries in the queues of pending signals
    "poll",  # the queue of tasks in select and poll
    "timer",  # deadlines of sleeping tasks and interval timers
    "rq",  # one CPU's run queue, and the state of every task on it
    "commit",  # the machine's commit and limit counters
    "text",  # program texts kept for other CPUs
    "plugin",  # state that a plugin declared
    "trace",  # the machine's event and epitaph areas
)
RANK = {name: rank for rank, name in enumerate(ORDER)}
