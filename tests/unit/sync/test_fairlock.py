"""kos/sync/fairlock.py: a CPU that has waited for long gets the lock next."""

import pytest

from kos.hw.cpu import cpu_block, this
from kos.hw.relax import relax
from kos.platform.host.process import start
from kos.sync import fairlock
from kos.sync.fairlock import FairLock, wanted
from kos.sync.order import ORDER
from kos.sync.spinlock import ALL


@pytest.fixture
def lock(arena):
    lock = FairLock("fair", ORDER[0])
    lock.renew()
    yield lock
    del ALL[-1]


def test_who_has_waited_for_long_gets_the_lock_before_its_holder_takes_it_again(lock, monkeypatch):
    """The holder takes it again at once, as often as it can: the waiter is the next one all the same."""
    monkeypatch.setattr(fairlock, "GIVE_WAY_NS", 30_000_000_000)
    counters = cpu_block(0).counters  # 0: holder is ready; 1: times that the waiter had the lock

    def hold() -> None:
        this.become(1, 2)
        seen = []
        for turn in range(5):
            with lock:
                seen.append(counters[1])
                counters[0] = turn + 1
                while wanted.v[lock.id] != 1:
                    relax()
        raise SystemExit(0 if seen == [0, 1, 2, 3, 4] else 1)

    this.become(0, 2)
    process = start("hold", hold)
    for turn in range(5):
        while counters[0] != turn + 1:
            relax()
        with lock:
            counters[1] = turn + 1
    process.join(30)

    assert process.exitcode == 0
    assert wanted.v[lock.id] == 0


def test_nobody_gives_way_for_ever(lock, monkeypatch):
    """A CPU that asked for the lock and does not come costs a bounded time."""
    monkeypatch.setattr(fairlock, "GIVE_WAY_NS", 1_000_000)
    wanted.v[lock.id] = 2

    with lock:
        assert lock.is_mine()
    wanted.v[lock.id] = 0
    assert lock.is_free()
