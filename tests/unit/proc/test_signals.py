"""Signals: who takes them, what they do by default, job control, timers."""

from __future__ import annotations

import errno
import signal as host
from collections.abc import Sequence
from typing import Any

import pytest
from minimachine import Exec, Exit, Fork, Script, call, errno_of, handlers, run, say, spin

from kos.errors import GuestFault
from kos.proc import exec as proc_exec
from kos.proc.fork import CLONE_SIGHAND, CLONE_THREAD, CLONE_VM

CPUS = [1, 2, 4]
DFL, IGN, HANDLER = 0, 1, 2
WNOHANG, WUNTRACED, WCONTINUED = 1, 2, 8
THREAD = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD


def sleeps() -> Script:
    while True:
        yield from call("pause")


def ends_with(code: int) -> Script:
    return code
    yield


@pytest.mark.parametrize("cpus", CPUS)
@pytest.mark.parametrize("script", [sleeps, spin])
@pytest.mark.parametrize("sig", [host.SIGTERM, host.SIGKILL, host.SIGSEGV])
def test_a_fatal_signal_ends_a_process_wherever_it_is(cpus: int, script: Any, sig: int) -> None:
    """Asleep or computing, here or on another CPU: the parent reads the signal's number."""

    def first() -> Script:
        pid = yield Fork(0, script)
        yield from call("nanosleep", 3_000_000)
        yield from call("kill", pid, sig)
        say((yield from call("wait4", pid, 0))[1])

    assert run(first, cpus) == (0, [str(int(sig))])


@pytest.mark.parametrize("cpus", CPUS)
def test_kills_at_any_moment_of_a_short_life(cpus: int) -> None:
    """A kill that races with start, sleep and exit leaves a status, and never a process that stays."""

    def short(n: int) -> Script:
        yield from call("nanosleep", n * 50_000)
        return 1

    def first() -> Script:
        seen = set()
        for n in range(60):
            pid = yield Fork(0, short, n % 6)
            if n % 3:
                yield from call("nanosleep", n % 5 * 60_000)
            yield from call("kill", pid, host.SIGKILL)
            seen.add((yield from call("wait4", pid, 0))[1])
        say(seen <= {9, 256})

    assert run(first, cpus) == (0, ["True"])


@pytest.mark.parametrize("cpus", CPUS)
def test_stop_and_continue_are_told_once(cpus: int) -> None:
    """WUNTRACED and WCONTINUED tell of each stop and continue, once; a stopped process keeps a SIGTERM."""

    def first() -> Script:
        pid = yield Fork(0, sleeps)
        for _ in range(3):
            yield from call("kill", pid, host.SIGSTOP)
            say((yield from call("wait4", pid, WUNTRACED))[1] == (host.SIGSTOP << 8 | 0x7F))
            say((yield from call("wait4", pid, WUNTRACED | WNOHANG))[0])
            yield from call("kill", pid, host.SIGCONT)
            say((yield from call("wait4", pid, WCONTINUED))[1] == 0xFFFF)
        yield from call("kill", pid, host.SIGSTOP)
        yield from call("wait4", pid, WUNTRACED)
        yield from call("kill", pid, host.SIGTERM)
        say((yield from call("wait4", pid, WNOHANG))[0])
        yield from call("kill", pid, host.SIGCONT)
        say((yield from call("wait4", pid, 0))[1])

    assert run(first, cpus) == (0, ["True", "0", "True"] * 3 + ["0", "15"])


@pytest.mark.parametrize("cpus", CPUS)
def test_a_group_stop_stops_all_threads_and_a_kill_ends_them(cpus: int) -> None:
    """All threads stop, computing and sleeping ones; SIGKILL takes a stopped process."""

    def process() -> Script:
        for script in (sleeps, spin, spin):
            yield Fork(THREAD, script)
        yield from sleeps()

    def first() -> Script:
        pid = yield Fork(0, process)
        yield from call("nanosleep", 5_000_000)
        for _ in range(3):
            yield from call("kill", pid, host.SIGSTOP)
            say((yield from call("wait4", pid, WUNTRACED))[1] >> 8)
            yield from call("kill", pid, host.SIGCONT)
        yield from call("kill", pid, host.SIGSTOP)
        yield from call("kill", pid, host.SIGKILL)
        status = 0x7F
        while status & 0xFF == 0x7F or status == 0xFFFF:
            status = (yield from call("wait4", pid, 0))[1]
        say(status)

    assert run(first, cpus) == (0, ["19", "19", "19", "9"])


@pytest.mark.parametrize("cpus", CPUS)
def test_blocked_signals_wait_and_are_not_queued(cpus: int) -> None:
    """Three of one kind are one; unblocking runs the handler before the call returns; sigwait takes one away."""

    def first() -> Script:
        for sig in (10, 12):
            yield from call("sigaction", sig, HANDLER)
        say(sorted((yield from call("sigprocmask", 0, [10, 12]))))
        me = yield from call("getpid")
        for _ in range(3):
            yield from call("kill", me, 10)
        yield from call("kill", me, 12)
        say(sorted((yield from call("sigpending"))), handlers)
        say((yield from call("sigwait", [12])))
        yield from call("sigprocmask", 1, [10, 12])
        say(handlers)

    assert run(first, cpus) == (0, ["[]", "[10, 12] []", "12", "[10]"])


@pytest.mark.parametrize("cpus", CPUS)
def test_sigwait_is_woken_by_another_process(cpus: int) -> None:
    """The signal that it waits for ends the sleep and does nothing else, again and again."""

    def sender(to: int) -> Script:
        for _ in range(20):
            yield from call("kill", to, 10)
            yield from call("nanosleep", 200_000)

    def first() -> Script:
        yield from call("sigprocmask", 0, [10])
        me = yield from call("getpid")
        pid = yield Fork(0, sender, me)
        got = set()
        got.add((yield from call("sigwait", [10])))
        say(got)
        yield from call("wait4", pid, 0)

    assert run(first, cpus) == (0, ["{10}"])


@pytest.mark.parametrize("cpus", CPUS)
def test_ignored_sigchld_leaves_no_zombies(cpus: int) -> None:
    """Children of a parent that ignores SIGCHLD vanish; wait sleeps until the last is gone, then says ECHILD."""

    def first() -> Script:
        yield from call("sigaction", host.SIGCHLD, IGN)
        for _ in range(3):
            yield Fork(0, ends_with, 1)
        say((yield from errno_of("wait4", -1, 0)) == errno.ECHILD)

    assert run(first, cpus) == (0, ["True"])


@pytest.mark.parametrize("cpus", CPUS)
def test_kill_reaches_groups(cpus: int) -> None:
    """kill(0) and kill(-pgid) reach every member; ESRCH for an empty group, EPERM and ESRCH as setpgid has them."""

    def leader() -> Script:
        yield from call("setpgid", 0, 0)
        for _ in range(3):
            yield Fork(0, sleeps)
        yield from call("sigaction", 12, HANDLER)
        yield from call("kill", 0, 12)
        codes = set()
        for _ in range(3):
            codes.add((yield from call("wait4", 0, 0))[1])
        return len(codes) == 1 and codes == {12}

    def first() -> Script:
        pid = yield Fork(0, leader)
        say((yield from call("wait4", pid, 0))[1] >> 8)
        say((yield from errno_of("kill", -pid, 0)) == errno.ESRCH)
        say((yield from errno_of("setpgid", 0, pid)) == errno.EPERM)
        say((yield from errno_of("wait4", -pid, 0)) == errno.ECHILD)

    assert run(first, cpus) == (0, ["1", "True", "True", "True"])


@pytest.mark.parametrize("cpus", CPUS)
def test_alarms_and_interval_timers(cpus: int) -> None:
    """A real timer strikes a sleeping process repeatedly; CPU time is counted only while it computes."""

    def first() -> Script:
        for sig in (host.SIGALRM, host.SIGVTALRM, host.SIGPROF):
            yield from call("sigaction", sig, HANDLER)
        yield from call("setitimer", 0, 3_000_000, 2_000_000)
        for _ in range(3):
            yield from call("pause")
        left, every = yield from call("setitimer", 0, 0, 0)
        say(len(handlers) >= 3, 0 < left <= 2_000_000, every)
        handlers.clear()
        yield from call("setitimer", 1, 8_000_000, 0)
        yield from call("setitimer", 2, 8_000_000, 0)
        yield from call("nanosleep", 20_000_000)
        say(handlers == [])
        yield from spin(lambda: len(handlers) == 2)
        say(sorted(handlers))
        say((yield from call("alarm", 10)), (yield from call("alarm", 0)))

    assert run(first, cpus) == (0, ["True True 2000000", "True", "[26, 27]", "0 10"])


@pytest.mark.parametrize("cpus", CPUS)
def test_handlers_run_in_the_main_task(cpus: int) -> None:
    """A signal to a thread trips the main task's flag; a signal that the main task blocks is taken by a thread."""

    def thread() -> Script:
        yield from call("sigprocmask", 1, [10])
        yield from sleeps()

    def first() -> Script:
        yield from call("sigaction", 10, HANDLER)
        yield from call("sigprocmask", 0, [10])
        yield Fork(THREAD, thread)
        yield from call("nanosleep", 3_000_000)
        yield from call("kill", (yield from call("getpid")), 10)
        yield from spin(lambda: handlers == [10])
        say("ran")
        yield Exit(0)

    assert run(first, cpus) == (0, ["ran"])


@pytest.mark.parametrize("cpus", CPUS)
def test_exec_keeps_one_thread_and_drops_handlers(cpus: int) -> None:
    """exec from a thread: the others die, it gets the pid, handlers are at their default, ignored ones stay."""

    def program() -> Script:
        say((yield from call("getpid")) == (yield from call("gettid")), (yield from call("sigaction", 10)))
        say((yield from call("sigaction", 12)))
        return 6

    def other() -> Script:
        yield Exec(program)

    def process() -> Script:
        yield from call("sigaction", 10, HANDLER)
        yield from call("sigaction", 12, IGN)
        yield Fork(THREAD, spin)
        yield Fork(THREAD, other)
        yield from sleeps()

    def first() -> Script:
        pid = yield Fork(0, process)
        got = yield from call("wait4", -1, 0)
        say(got[0] == pid, got[1] >> 8)

    assert run(first, cpus) == (0, ["True 0", "1", "True 6"])


def test_exec_that_fails_when_the_other_threads_are_gone_kills_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to go back to: Linux's force_fatal_sig(SIGSEGV)."""
    looked: list[str] = []

    def resolve(path: str, argv: Sequence[str]) -> tuple[str, Sequence[str]]:
        looked.append(path)
        if len(looked) > 1:  # the file has gone meanwhile
            raise GuestFault(errno.ENOENT)
        return path, argv

    monkeypatch.setattr(proc_exec.hooks, "resolve", resolve)

    def process() -> Script:
        yield Fork(THREAD, spin)
        try:
            yield Exec(sleeps)
        except GuestFault as e:
            say(e.errno == errno.ENOENT)
            yield from sleeps()

    def first() -> Script:
        pid = yield Fork(0, process)
        got = yield from call("wait4", pid, 0)
        say("status", got[1])

    assert run(first) == (0, ["True", "status 11"])


@pytest.mark.parametrize("cpus", CPUS)
def test_an_orphaned_stopped_group_is_hung_up(cpus: int) -> None:
    """When the parent that could continue a stopped group ends, the group gets SIGHUP and SIGCONT."""

    def stops() -> Script:
        yield from call("setpgid", 0, 0)
        yield from call("kill", (yield from call("getpid")), host.SIGSTOP)
        yield from sleeps()

    def child() -> Script:
        pid = yield Fork(0, stops)
        yield from call("wait4", pid, WUNTRACED)
        say(pid)

    def first() -> Script:
        yield Fork(0, child)
        yield from call("wait4", -1, 0)
        while (yield from errno_of("kill", 4, 0)) == 0:
            yield from call("nanosleep", 1_000_000)
        say("gone")

    assert run(first, cpus) == (0, ["4", "gone"])
