"""kos/arena/shared.py: state that a plugin declares lies in the arena and is guarded by what it says."""

from __future__ import annotations

import os

import pytest

from kos.api import Array, SharedState, array, hookimpl, i64, shared, u8, u32, u64
from kos.arena.arena import Arena
from kos.errors import UsageError
from kos.mm.structs import zone_lock
from kos.params import Params
from kos.plugin.load import Active, activate
from kos.sync import spinlock


@shared()
class Counts(SharedState):
    """One of each."""

    small: u8
    signed: i64
    big: u64
    middle: u32
    by_cpu: Array = array("Q", lambda params: params.cpus)
    fixed: Array = array("B", 100)

    def boot(self, params: Params) -> None:
        self.big = params.memory


class Plugin:
    """A plugin with a state of its own."""

    __name__ = "counting"

    def __init__(self, state: SharedState) -> None:
        self.state = state

    @hookimpl
    def kos_shared_state(self) -> SharedState:
        return self.state


def booted(plugin: object, cpus: int = 3) -> tuple[Active, Arena]:
    params = Params(cpus, 8 << 20)
    active = activate([plugin], {}, params)
    arena = Arena.create(f"kos-unit-shared-{os.getpid()}", params)
    arena.block.unlink()
    spinlock.renew_all()
    active.install()
    return active, arena


def test_it_reads_back_and_is_sized_by_the_machine() -> None:
    state = Counts()
    booted(Plugin(state), cpus=3)

    state.small, state.signed, state.middle = 255, -5, 7
    state.by_cpu[2] = 1 << 63
    state.np("fixed")[:] = 9

    assert (state.small, state.signed, state.middle, state.big) == (255, -5, 7, 8 << 20)
    assert (state.by_cpu.tolist(), sum(state.fixed)) == ([0, 0, 1 << 63], 900)


def test_another_process_sees_it() -> None:
    state = Counts()
    booted(Plugin(state))
    pid = os.fork()
    if pid == 0:
        state.middle = 42
        os._exit(0)
    os.waitpid(pid, 0)

    assert state.middle == 42


def test_it_has_its_own_lock_or_the_kernels() -> None:
    own = Counts()

    @shared(lock="zone")
    class Zoned(SharedState):
        word: u64

    @shared(lock="single")
    class Single(SharedState):
        word: u64

    zoned, single = Zoned(), Single()
    booted(Plugin(own))
    booted(Plugin(zoned))
    booted(Plugin(single))

    assert own.lock.name == "plugin counting.Counts"
    assert zoned.lock is zone_lock
    assert single.lock is None


def test_before_boot_it_says_why_there_is_nothing() -> None:
    with pytest.raises(RuntimeError, match=r"no memory yet[.] Return this object from kos_shared_state"):
        _ = Counts().big
    with pytest.raises(RuntimeError, match="no memory yet"):
        _ = Counts().by_cpu


def test_wrong_declarations_are_refused() -> None:
    with pytest.raises(TypeError, match=r"Bad.x: found <class 'int'>, expected u8..u64"):

        @shared()
        class Bad(SharedState):
            x: int

    with pytest.raises(TypeError, match="the formats are B H I Q"):
        array("d", 3)
    with pytest.raises(TypeError, match="put @shared"):
        type("Undecorated", (SharedState,), {})()

    @shared(lock="zoen")
    class Misspelt(SharedState):
        x: u64

    with pytest.raises(UsageError, match=r"found @shared\(lock='zoen'\), expected 'plugin', 'single' or a rank"):
        activate([Plugin(Misspelt())])


def test_the_next_machine_does_not_have_it() -> None:
    active, _ = booted(Plugin(Counts()))
    assert "counting.Counts" in [segment.name for segment in active.segments]

    from kos.arena.table import REGISTRY

    activate()
    assert "counting.Counts" not in REGISTRY
