"""SpinLock: a host semaphore that nobody blocks on. A CPU that waits for it serves its own interrupts.

A CPU that holds a page-table lock while it waits for acknowledgements, and one that waits for that lock, must
not be a deadlock: the second acknowledges while it waits. Which locks a CPU holds is written into its control
block, so that the report on a CPU that died can name them.
"""

from __future__ import annotations

from types import TracebackType

from kos.errors import KernelBug
from kos.hw.cpu import cpu_block, this
from kos.hw.relax import LOOK_EVERY, WAIT_LIMIT_NS, Patience, relax
from kos.platform.host.lock import HostLock
from kos.sync.order import ORDER, RANK

ALL: list[SpinLock] = []  #: by lock id - 1


class _Debug:
    check_order = False  #: `--debug-locks`: compare each acquisition with sync/order.py


debug = _Debug()


class SpinLock:
    """A lock of one rank. Use as a context manager, or where it is hot with acquire(), try, finally, release().

    Measured on Python 3.11, free lock: 450 ns with `with`, which calls both ends through C, 310 ns without.
    """

    __slots__ = ("_free", "_host", "_try", "id", "name", "rank")

    def __init__(self, name: str, rank: str) -> None:
        self.name = name
        self.rank = RANK[rank]
        ALL.append(self)
        self.id = len(ALL)  #: 0 = no lock; its semaphore is made at boot, by renew_all()

    def renew(self) -> None:
        """A fresh, free semaphore: at boot, before the CPUs are forked."""
        host = HostLock()
        self._host = host
        self._try = host.try_acquire
        self._free = host.release

    def acquire(self) -> None:
        if debug.check_order:
            self._check_order()
        if not self._try(False):
            self._wait()
        n = this.nr_held
        this.held[n] = self.id
        this.nr_held = n + 1

    def _wait(self) -> None:
        patience = None
        turns = 0
        while not self._try(False):
            relax()
            turns += 1
            if not turns % LOOK_EVERY:
                patience = self._look(patience)

    def _look(self, patience: Patience | None) -> Patience:
        """Long waits end in a report, not in silence: raises KernelBug."""
        if patience is None:
            return Patience()
        if patience.is_over():
            holders = [f"cpu {cpu} holds it" for cpu in range(this.nr_cpus) if self.id in list(cpu_block(cpu).held)]
            raise KernelBug(
                f"deadlock: cpu {this.id} waited {WAIT_LIMIT_NS / 1e9:.0f} s for lock {self.name!r}; "
                f"{holders[0] if holders else 'no CPU holds it'}"
            )
        return patience

    def release(self) -> None:
        n = this.nr_held - 1
        held = this.held
        if held[n] != self.id:
            self._forget(n)
        held[n] = 0
        this.nr_held = n
        self._free()

    __enter__ = acquire

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        # release() once more: a call less for what every `with` does.
        n = this.nr_held - 1
        held = this.held
        if held[n] != self.id:
            self._forget(n)
        held[n] = 0
        this.nr_held = n
        self._free()

    def try_acquire(self) -> bool:
        """Take it if it is free now."""
        if not self._try(False):
            return False
        n = this.nr_held
        this.held[n] = self.id
        this.nr_held = n + 1
        return True

    def is_mine(self) -> bool:
        """Does this CPU hold it? For assertions."""
        return self.id in this.held[: this.nr_held].tolist()

    def is_free(self) -> bool:
        """For the audit."""
        return self._host.is_free()

    def _forget(self, last: int) -> None:
        """Released out of order: close the gap in the list of held locks."""
        for k in range(last, -1, -1):
            if this.held[k] == self.id:
                for j in range(k, last):
                    this.held[j] = this.held[j + 1]
                return
        raise KernelBug(f"lock {self.name!r} released by cpu {this.id}, which does not hold it")

    def _check_order(self) -> None:
        for k in range(this.nr_held):
            other = ALL[this.held[k] - 1]
            if other.rank >= self.rank:
                raise KernelBug(
                    f"lock order: cpu {this.id} takes {self.name!r} ({ORDER[self.rank]}) "
                    f"while it holds {other.name!r} ({ORDER[other.rank]})"
                )


class LockPool(dict[int, SpinLock]):
    """A fixed number of locks that serve many objects by index; pool[index] is the object's lock.

    A dict that remembers which: 29 ns for a look-up, 90 through a __getitem__ of ours.
    """

    __slots__ = ("_locks", "_mask")

    def __init__(self, name: str, rank: str, size: int = 64) -> None:
        if size & (size - 1):
            raise ValueError("a lock pool's size is a power of two")
        self._locks = [SpinLock(f"{name}[{i}]", rank) for i in range(size)]
        self._mask = size - 1

    def __missing__(self, index: int) -> SpinLock:
        lock = self[index] = self._locks[index & self._mask]
        return lock


def renew_all() -> None:
    """Fresh, free semaphores for every declared lock: at boot, before the CPUs are forked."""
    for lock in ALL:
        lock.renew()


def lock_name(lock_id: int) -> str:
    return ALL[lock_id - 1].name if 0 < lock_id <= len(ALL) else f"lock {lock_id}"
