"""kos/sync: locks are exclusive, seen from outside, and taken in one order."""

import pytest

from kos.errors import KernelBug
from kos.hw import relax
from kos.hw.cpu import cpu_block, this
from kos.platform.host.process import start
from kos.sync import spinlock
from kos.sync.order import ORDER
from kos.sync.spinlock import ALL, LockPool, SpinLock


@pytest.fixture
def locks(arena):
    """Two locks in order, with order checking on; forgotten again after the test."""
    low, high = SpinLock("low", ORDER[0]), SpinLock("high", ORDER[-1])
    for lock in (low, high):
        lock.renew()
    spinlock.debug.check_order = True
    yield low, high
    spinlock.debug.check_order = False
    del ALL[-2:]


def test_held_locks_are_written_where_a_post_mortem_finds_them(locks):
    """In the CPU's control block, oldest first, also when released out of order."""
    low, high = locks
    low.acquire()
    high.acquire()
    assert list(cpu_block(0).held)[:3] == [low.id, high.id, 0]
    assert low.is_mine() and high.is_mine() and not low.is_free()

    low.release()
    assert list(cpu_block(0).held)[:2] == [high.id, 0]
    high.release()
    assert next(iter(cpu_block(0).held)) == 0 and low.is_free() and high.is_free()


def test_the_wrong_order_stops_the_machine(locks):
    """The message names both locks."""
    low, high = locks
    with high, pytest.raises(KernelBug, match=r"takes 'low' .* while it holds 'high'"):
        low.acquire()


def test_a_lock_that_is_not_held_cannot_be_released(locks):
    with pytest.raises(KernelBug, match="does not hold it"):
        locks[0].release()


def test_a_deadlock_ends_in_a_report(locks, monkeypatch):
    """Who waits far longer than any wait takes says for which lock, and who has it."""
    monkeypatch.setattr(relax, "WAIT_LIMIT_NS", 50_000_000)
    spinlock.debug.check_order = False
    low, _ = locks
    with low, pytest.raises(KernelBug, match=r"deadlock: cpu 0 waited .* for lock 'low'; cpu 0 holds it"):
        low.acquire()


def test_try_acquire_does_not_wait(locks):
    low, _ = locks
    with low:
        assert low.try_acquire() is False
    assert low.try_acquire() is True
    low.release()


def test_two_processes_count_without_losing_one(arena, locks):
    """Real processes, one plain word in the arena: every increment is seen."""
    low, _ = locks
    rounds = 2000

    def count(cpu: int) -> None:
        this.become(cpu, 2)
        block = cpu_block(0)
        for _ in range(rounds):
            with low:
                block.counters[0] = block.counters[0] + 1

    processes = [start(f"count{cpu}", count, cpu) for cpu in (0, 1)]
    for process in processes:
        process.join(30)

    assert [process.exitcode for process in processes] == [0, 0]
    assert cpu_block(0).counters[0] == 2 * rounds


def test_a_pool_maps_objects_to_locks():
    """The same index always gives the same lock; sizes are powers of two."""
    before = len(ALL)
    pool = LockPool("pool of a test", ORDER[0], 4)
    assert pool[1] is pool[5] and pool[1] is not pool[2]
    with pytest.raises(ValueError, match="power of two"):
        LockPool("odd", ORDER[0], 3)
    del ALL[before:]
