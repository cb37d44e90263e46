"""FairLock: a SpinLock that a CPU which has waited for long gets next, because the others give way to it.

Host semaphores are not fair. A CPU that maps and unmaps in a loop waits for acknowledgements while it holds the mm
lock, and yields its host core there; when it lets the lock go, the CPUs that want it are not running. With 8 CPUs on 2
cores of the host a fork waited up to 9 s for its turn. Linux's rwsem hands the lock over likewise, to a waiter that is
older than RWSEM_WAIT_TIMEOUT.

A waiter writes its number into the lock's word of the arena; who comes then waits, for a bounded time, until it has
gone. Several waiters take turns: the word is the next one's when it is free. The word is a hint and needs no lock.
"""

from __future__ import annotations

from kos.arena.table import Column
from kos.hw.cpu import this
from kos.hw.relax import LOOK_EVERY, relax
from kos.platform.host.clock import now_ns
from kos.sync.spinlock import LockPool, SpinLock, debug

PATIENCE_NS = 2_000_000  #: after so long a waiter asks for the lock
GIVE_WAY_NS = 20_000_000  #: so long it is left to it: its process may wait for a host core
MAX_LOCKS = 4096

wanted = Column("locks_wanted", "B", MAX_LOCKS)  #: by lock id: cpu + 1 that has waited for long; 0 = none


class FairLock(SpinLock):
    """A lock that may be held for long, while its holder waits for other CPUs. 40 ns more than a SpinLock."""

    __slots__ = ()

    def acquire(self) -> None:
        if debug.check_order:
            self._check_order()
        waiter = wanted.v[self.id]
        if waiter and waiter != this.id + 1:
            self._give_way(waiter)
        if not self._try(False):
            self._wait()
        n = this.nr_held
        this.held[n] = self.id
        this.nr_held = n + 1

    __enter__ = acquire

    def _wait(self) -> None:
        words, at, me = wanted.v, self.id, this.id + 1
        late_ns = now_ns() + PATIENCE_NS
        patience = None
        turns = 0
        while not self._try(False):
            relax()
            turns += 1
            if not turns % LOOK_EVERY:
                patience = self._look(patience)
            if not turns & 15 and not words[at] and now_ns() > late_ns:
                words[at] = me
        if words[at] == me:
            words[at] = 0

    def _give_way(self, waiter: int) -> None:
        until_ns = now_ns() + GIVE_WAY_NS
        while wanted.v[self.id] == waiter and now_ns() < until_ns:
            relax()


class FairLockPool(LockPool):
    """A LockPool of FairLocks."""

    __slots__ = ()

    def __init__(self, name: str, rank: str, size: int = 64) -> None:
        self._locks = [FairLock(f"{name}[{i}]", rank) for i in range(size)]
        self._mask = size - 1
