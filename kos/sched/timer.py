"""Deadlines of sleeping tasks, and other clocks: a heap per CPU, in its own process, over words in the arena.

The truth is in the arena (Task.deadline_ns, Process.it_real_at); the heap is this CPU's cache of what it has to
look at and when. Each entry is checked against the arena when it is due and dropped when it is stale, so nobody
ever has to remove one: a task that was woken early leaves its entry behind. A sleeping task keeps its CPU, so the
CPU that switched it out is the one that watches its deadline.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from kos.sched.structs import tasks

SLEEPER, REAL_TIMER = 0, 1  #: kinds of entries
heap: list[tuple[int, int, int]] = []  #: (deadline in ns, kind, slot)

#: What happens when an entry is due, by kind: (slot, deadline_ns). Filled by kos.sched.sched and kos.proc.timer.
strike: dict[int, Callable[[int, int], None]] = {}


def watch(deadline_ns: int, kind: int, slot: int) -> None:
    """This CPU will look at the deadline when it is due."""
    heapq.heappush(heap, (deadline_ns, kind, slot))


def next_deadline() -> int:
    """When this CPU has to look next, in ns of the host clock; 0 = no deadline is watched here."""
    while heap:
        deadline, kind, slot = heap[0]
        # A stale sleeper must not wake an idle CPU; a stale timer does at most once.
        if kind != SLEEPER or tasks[slot].deadline_ns == deadline:
            return deadline
        heapq.heappop(heap)
    return 0


def expire_due(now: int) -> None:
    """Wake the sleepers of this CPU whose time has come, and let the other clocks strike. No lock held."""
    while heap and heap[0][0] <= now:
        deadline, kind, slot = heapq.heappop(heap)
        strike[kind](slot, deadline)
