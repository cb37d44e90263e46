"""The typed interfaces behind which policies stand. Only types of kos are imported here.

A policy object is made once at boot, before the CPUs are forked, and so every CPU process has its own copy: what
all CPUs must share it keeps in the arena. The text of each method says when it is called and which locks are held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from kos.mm.fault import Fault, FaultResult
    from kos.mm.shootdown import FlushRequest, StaleBatch
    from kos.mm.structs import Mm, Vma
    from kos.sched.structs import RunQueue, Task

__all__ = [
    "FaultHandler",
    "ForkPolicy",
    "PageAllocator",
    "Scheduler",
    "ShootdownProtocol",
    "TlbModel",
    "Transport",
]


@runtime_checkable
class ForkPolicy(Protocol):
    """What fork does to private memory. Copy plugins/fork_cow.py or plugins/fork_eager.py."""

    name: str

    def copy_range(self, old: Mm, new: Mm, vma: Vma) -> None:
        """Give `new` the pages of one private VMA of `old`, at the same addresses.

        Called on the forking CPU for every VMA that the child gets a copy of, old's mm lock held; nobody else
        knows `new` yet. Afterwards neither side may have a writable translation to a frame that both map.
        Raises GuestFault(ENOMEM) when frames run out; the kernel then undoes the whole child.
        """
        ...

    def must_flush(self) -> bool:
        """Did copy_range() take rights away from the parent? Then its TLBs are shot down, once, at the end."""
        ...


@runtime_checkable
class PageAllocator(Protocol):
    """Hands out frames. All methods run under the zone lock, on any CPU; the state lives in the arena.

    The kernel keeps lists of single frames per CPU in front of it (kos/mm/page_alloc.py), checks that no frame
    is handed out or freed twice, and counts. Copy plugins/alloc_freelist.py.
    """

    name: str

    def boot(self, first: int, end: int) -> None:
        """Frames first..end-1 are yours. Must not touch what it does not need: memory may be 64 GiB."""
        ...

    def alloc(self, order: int) -> int:
        """First frame of a free, aligned block of 1 << order frames; 0 = there is none."""
        ...

    def free(self, pfn: int, order: int) -> None:
        """Take a block back that alloc() gave."""
        ...

    def alloc_bulk(self, count: int) -> list[int]:
        """Up to `count` single frames."""
        ...

    def free_bulk(self, pfns: Sequence[int]) -> None:
        """Take single frames back."""
        ...

    def nr_free(self) -> int:
        """Frames that could be handed out now."""
        ...

    def free_frames(self) -> Iterable[int]:
        """Every free frame that was handed out before (the rest was never touched). For the audit."""
        ...


@runtime_checkable
class FaultHandler(Protocol):
    """Resolves page faults. Handlers form a chain; the first result that is not None wins."""

    def handle(self, fault: Fault) -> FaultResult | None:
        """Called on the faulting CPU, the mm lock held, the VMA found and the access allowed by it.

        fault.entry is the page-table entry as re-read under the lock. None: not mine, ask the next.
        """
        ...


@runtime_checkable
class ShootdownProtocol(Protocol):
    """Makes the other CPUs forget translations. Copy plugins/shootdown_ipi.py.

    A protocol that defers may have a method poll(): it runs on every CPU after that has served its interrupts (store
    1 in this.pending[0] to have it run soon: at the latest on the way out of the system call), with any locks held.
    """

    name: str

    def flush(self, request: FlushRequest, stale: StaleBatch | None) -> bool:
        """Called with the mm lock held, entries changed, tlb_gen counted up, this CPU's own TLB flushed.

        True: on return no CPU can use an old translation of the range. False (only where request.may_defer):
        the protocol has taken `stale` over and calls stale.release() itself once that is so.
        """
        ...


@runtime_checkable
class Transport(Protocol):
    """How messages travel from CPU to CPU. All methods run on the calling CPU, any locks held, and never block.

    A transport that has host objects may have a method close(), for the supervisor to call at the end.
    """

    name: str

    def send(self, target: int, vector: int, a: int, b: int, c: int) -> bool:
        """Queue a message for target; False when its queue is full (the caller serves its own and retries)."""
        ...

    def receive(self) -> list[tuple[int, int, int, int, int]]:
        """Every (sender, vector, a, b, c) that waits for this CPU, oldest first per sender."""
        ...


@runtime_checkable
class TlbModel(Protocol):
    """One CPU's TLB: what it can hold and what it evicts. Copy plugins/tlb_setassoc.py.

    An entry is a delta, physical minus virtual address, by virtual page number; reads look into one dict and
    writes into another, so that a hit is one lookup. A page is in `write` only if its entry is writable and dirty.
    The dicts change in insert() and the two flushes only: what has hit is taken to hit until the next of these calls.
    """

    name: str

    def open(self, asid: int) -> tuple[dict[int, int], dict[int, int]]:
        """The (read, write) dicts of an address space: the same objects for the same asid, always."""
        ...

    def insert(self, asid: int, vpn: int, delta: int, writable: bool) -> None:
        """Remember a translation, evicting another if need be."""
        ...

    def flush_page(self, asid: int, vpn: int) -> None:
        """Forget one page."""
        ...

    def flush_asid(self, asid: int) -> None:
        """Forget one address space."""
        ...


@runtime_checkable
class Scheduler(Protocol):
    """Which task of a run queue runs next, and for how long. Copy plugins/sched_rr.py.

    All methods: this run queue's lock held; they may not wait. The tasks that wait are linked from rq.head by
    rq_next: use push_back(), insert_before() and remove(), which keep the links and counts. The current task is
    not on the queue. Task.vruntime, Task.slice_ns, Task.policy_words, RunQueue.min_vruntime and
    RunQueue.policy_words are the policy's own.
    """

    name: str

    def enqueue(self, rq: RunQueue, task: Task, woken: bool) -> None:
        """Link a task: new, woken up (woken), preempted, or arrived from another CPU."""
        ...

    def pick_next(self, rq: RunQueue) -> Task | None:
        """Unlink and return the task to run next; None when the queue is empty."""
        ...

    def dequeue(self, rq: RunQueue, task: Task) -> None:
        """Unlink a task that leaves for another CPU."""
        ...

    def ran(self, rq: RunQueue, task: Task, ran_ns: int) -> None:
        """The current task has run for ran_ns more of host time: account for it."""
        ...

    def tick(self, rq: RunQueue, task: Task) -> bool:
        """A timer tick hit the current task (ran() was called before): must it give way?"""
        ...

    def preempts(self, rq: RunQueue, current: Task, woken: Task) -> bool:
        """May a task that was just put on the queue take the CPU from the current one at once?"""
        ...
