"""Sleeping and waking while CPUs race: no wake-up is lost, no sleeper is woken twice for one reason."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from minimachine import Fork, Script, call, errno_of, run, say, spin

from kos.hw.cpu import this
from kos.mm.mmap import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE, do_mmap
from kos.mm.structs import mms
from kos.mm.uaccess import copy_from_user, copy_to_user
from kos.proc.fork import CLONE_SIGHAND, CLONE_THREAD, CLONE_VM
from kos.sched.structs import Task, machine
from kos_plugins.sched_fair import Fair
from kos_plugins.sched_rr import RoundRobin

CPUS = [1, 2, 4]
THREAD = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD


def memory(kind: int = MAP_PRIVATE) -> int:
    return do_mmap(mms[this.task.mm], 0, 4096, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS)


def load(at: int) -> int:
    return int.from_bytes(copy_from_user(mms[this.task.mm], at, 4), "little")


def store(at: int, value: int) -> None:
    copy_to_user(mms[this.task.mm], at, value.to_bytes(4, "little"))


@pytest.mark.parametrize("cpus", CPUS)
@pytest.mark.parametrize("scheduler", [RoundRobin, Fair])
@pytest.mark.parametrize("flags", [THREAD, 0])
def test_two_tasks_take_turns_over_a_futex(cpus: int, scheduler: Callable[[], Any], flags: int) -> None:
    """Threads over private memory, processes over shared memory: every turn is taken, none is missed."""
    rounds = 150

    def player(at: int, mine: int, other: int) -> Script:
        for _ in range(rounds):
            while load(at) != mine:
                yield from errno_of("futex_wait", at, other, -1)
            store(at, other)
            yield from call("futex_wake", at, 1)
        return 0

    def first() -> Script:
        at = memory(MAP_PRIVATE if flags else MAP_SHARED)
        store(at, 1)
        tid = yield Fork(flags, player, at, 2, 1)
        yield from player(at, 1, 2)
        if flags:
            yield from call("join", tid)
        else:
            yield from call("wait4", tid, 0)
        say(load(at))

    assert run(first, cpus, scheduler()) == (0, ["1"])


@pytest.mark.parametrize("cpus", CPUS)
def test_a_futex_wait_ends_in_the_right_way(cpus: int) -> None:
    """EAGAIN for another value, ETIMEDOUT after the timeout, EINTR after a handler, EINVAL and EFAULT."""

    def interrupts(tid: int) -> Script:
        yield from call("nanosleep", 5_000_000)
        yield from call("tgkill", (yield from call("getpid")), tid, 10)
        return 0

    def first() -> Script:
        at = memory()
        say(errno.errorcode[(yield from errno_of("futex_wait", at, 1, -1))])
        say(errno.errorcode[(yield from errno_of("futex_wait", at, 0, 2_000_000))])
        say(errno.errorcode[(yield from errno_of("futex_wait", at + 1, 0, -1))])
        say(errno.errorcode[(yield from errno_of("futex_wait", 4096, 0, -1))])
        yield from call("sigaction", 10, 2)
        tid = yield Fork(THREAD, interrupts, (yield from call("gettid")))
        say(errno.errorcode[(yield from errno_of("futex_wait", at, 0, -1))])
        yield from call("join", tid)
        say((yield from call("futex_wake", at, 10)))

    assert run(first, cpus) == (0, ["EAGAIN", "ETIMEDOUT", "EINVAL", "EFAULT", "EINTR", "0"])


@pytest.mark.parametrize("cpus", CPUS)
def test_a_wake_up_reaches_as_many_as_were_asked(cpus: int) -> None:
    """futex_wake(n) wakes n of those who wait on this word, and says so; others on the page sleep on."""

    def waiter(at: int) -> Script:
        yield from call("futex_wait", at, 0, -1)
        return 0

    def first() -> Script:
        at = memory()
        tids = []
        for k in range(6):
            tids.append((yield Fork(THREAD, waiter, at + 4 * (k % 2))))
        woken = 0
        while woken < 2:
            woken += yield from call("futex_wake", at, 2 - woken)
            yield from call("nanosleep", 200_000)
        while woken < 3:
            woken += yield from call("futex_wake", at, 100)
            yield from call("nanosleep", 200_000)
        while woken < 6:
            woken += yield from call("futex_wake", at + 4, 100)
        for tid in tids:
            yield from call("join", tid)
        say("all", woken)

    assert run(first, cpus) == (0, ["all 6"])


@pytest.mark.parametrize("cpus", CPUS)
def test_signals_and_sigwait_take_turns(cpus: int) -> None:
    """A signal that is sent while its receiver is just falling asleep still wakes it: 300 turns, none lost."""
    turns = 300

    def partner(to: int) -> Script:
        for _ in range(turns):
            yield from call("sigwait", [12])
            yield from call("kill", to, 10)
        return 0

    def first() -> Script:
        yield from call("sigprocmask", 0, [10, 12])
        pid = yield Fork(0, partner, (yield from call("getpid")))
        for _ in range(turns):
            yield from call("kill", pid, 12)
            yield from call("sigwait", [10])
        say((yield from call("wait4", pid, 0))[1])

    assert run(first, cpus) == (0, ["0"])


@pytest.mark.parametrize("cpus", CPUS)
def test_a_sleep_is_as_long_as_asked_and_handlers_do_not_change_that(cpus: int) -> None:
    """nanosleep is never short; sleepers of a CPU that computes are woken in time."""
    from kos.platform.host.clock import now_ns

    def sleeper(ns: int) -> Script:
        start = now_ns()
        yield from call("nanosleep", ns)
        return int(now_ns() - start >= ns)

    def first() -> Script:
        yield from call("sigaction", 14, 2)
        yield from call("setitimer", 0, 1_000_000, 1_000_000)
        busy = yield Fork(0, spin)
        for k in range(5):
            yield Fork(0, sleeper, 2_000_000 * k)
        total = yield from sleeper(20_000_000)
        for _ in range(5):
            total += (yield from call("wait4", -1, 0))[1] >> 8
        yield from call("kill", busy, 9)
        say(total)

    assert run(first, cpus) == (0, ["6"])


@pytest.mark.parametrize("scheduler", [RoundRobin, Fair])
def test_every_ready_task_gets_its_turn(scheduler: Callable[[], Any]) -> None:
    """Tasks that only compute share a CPU; one that is nicer gets less of it."""

    def worker(nice: int) -> Script:
        yield from call("nice", nice)
        yield from spin()

    def first() -> Script:
        pids = []
        for nice in (0, 0, 19):
            pids.append((yield Fork(0, worker, nice)))
        yield from call("nanosleep", 400_000_000)
        used = []
        for pid in pids:
            yield from call("kill", pid, 9)
            used.append((yield from call("wait4", pid, 0))[2][0])
        say(all(t > 0 for t in used), used[2] < min(used[:2]))

    assert run(first, 1, scheduler()) == (0, ["True True"])


def test_affinity_is_obeyed_by_tasks_that_start() -> None:
    """A child inherits the CPUs that it may use; a set without any CPU of the machine is EINVAL."""

    def first() -> Script:
        say((yield from call("sched_getaffinity", 0)))
        say((yield from errno_of("sched_setaffinity", 0, [70])) == errno.EINVAL)
        yield from call("sched_setaffinity", 0, {0})
        say((yield from call("sched_getaffinity", 0)), (yield from call("getcpu")))
        me: Task = this.task
        say(me.affinity == 1, machine.s.nr_cpus)

    assert run(first, 2) == (0, ["{0}", "True", "{0} 0", "True 2"])
