"""Fork, exit, wait: the life of processes, on one CPU and on several."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from minimachine import Exit, Fork, Script, call, errno_of, run, say

from kos.proc.fork import CLONE_PARENT, CLONE_SIGHAND, CLONE_THREAD, CLONE_VFORK, CLONE_VM, RFNOWAIT
from kos.proc.wait import WNOHANG, WNOWAIT

CPUS = [1, 2, 4]


def ends_with(code: int) -> Script:
    return code
    yield


@pytest.mark.parametrize("cpus", CPUS)
def test_wait_tells_what_the_child_returned(cpus: int) -> None:
    """The exit code of a child reaches its parent, and the child is gone after that."""

    def first() -> Script:
        pid = yield Fork(0, ends_with, 7)
        got = yield from call("wait4", -1, 0)
        say(got[0] == pid, got[1] >> 8, (yield from errno_of("wait4", -1, 0)) == errno.ECHILD)
        return 3

    assert run(first, cpus) == (3 << 8, ["True 7 True"])


def test_the_first_program_is_pid_2_and_leads_its_session() -> None:
    """Pid 1 is init's; the first program is its child, alone in a group and a session of its own."""

    def first() -> Script:
        say((yield from call("getpid")), (yield from call("getppid")), (yield from call("getsid", 0)))
        say((yield from call("getpgid", 0)), (yield from errno_of("setpgid", 0, 0)) == errno.EPERM)

    assert run(first) == (0, ["2 1 2", "2 True"])


@pytest.mark.parametrize("cpus", CPUS)
def test_children_are_told_oldest_first(cpus: int) -> None:
    """When several children have ended, wait finds them in the order of their birth (Linux: the list's order)."""

    def first() -> Script:
        pids = []
        for code in range(5):
            pids.append((yield Fork(0, ends_with, code)))
        for pid in reversed(pids):
            while (yield from call("waitid", 1, pid, 4 | WNOHANG | WNOWAIT)) is None:
                yield from call("nanosleep", 1_000_000)
        got = []
        for _ in pids:
            got.append((yield from call("wait4", -1, 0))[0])
        say(got == pids)

    assert run(first, cpus) == (0, ["True"])


@pytest.mark.parametrize("cpus", CPUS)
def test_orphans_are_read_by_init(cpus: int) -> None:
    """A grandchild whose parent ends gets pid 1 as its parent, and leaves nothing behind."""

    def grandchild() -> Script:
        while (yield from call("getppid")) != 1:
            yield from call("nanosleep", 500_000)
        say("adopted")

    def child() -> Script:
        yield Fork(0, grandchild)

    def first() -> Script:
        yield Fork(0, child)
        yield from call("wait4", -1, 0)
        yield from call("nanosleep", 30_000_000)

    assert run(first, cpus) == (0, ["adopted"])


@pytest.mark.parametrize("cpus", CPUS)
def test_threads_share_one_pid_and_join_gives_their_code(cpus: int) -> None:
    """Threads have tids of their own and their process's pid; a code is asked for once."""

    def thread(code: int) -> Script:
        me = yield from call("gettid")
        say("pid", (yield from call("getpid")), me != (yield from call("getpid")))
        return code

    def first() -> Script:
        flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD
        tids = []
        for code in (5, 300):
            tids.append((yield Fork(flags, thread, code)))
        for tid in tids:
            say("code", (yield from call("join", tid)), (yield from errno_of("join", tid)) == errno.ESRCH)
        say((yield from errno_of("join", (yield from call("gettid")))) == errno.ESRCH)

    status, lines = run(first, cpus)
    assert (status, sorted(lines)) == (0, sorted(["pid 2 True"] * 2 + ["code 5 True", "code 300 True", "True"]))


@pytest.mark.parametrize("cpus", CPUS)
def test_exit_group_ends_threads_wherever_they_are(cpus: int) -> None:
    """The end of the process ends a sleeping, a computing and a joining thread."""
    from minimachine import spin

    def sleeps() -> Script:
        yield from call("pause")

    def joins(tid: int) -> Script:
        yield from call("join", tid)

    def process() -> Script:
        flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD
        tid = yield Fork(flags, sleeps)
        yield Fork(flags, spin)
        yield Fork(flags, joins, tid)
        yield from call("nanosleep", 10_000_000)
        yield Exit(17 << 8)

    def first() -> Script:
        yield Fork(0, process)
        say((yield from call("wait4", -1, 0))[1] >> 8)

    assert run(first, cpus) == (0, ["17"])


@pytest.mark.parametrize("cpus", CPUS)
def test_a_vfork_parent_waits_for_the_memory(cpus: int) -> None:
    """The parent of a vfork goes on when the child has ended, not before."""

    def child() -> Script:
        yield from call("nanosleep", 10_000_000)
        say("child")

    def first() -> Script:
        pid = yield Fork(CLONE_VM | CLONE_VFORK, child)
        say("parent")
        say((yield from call("wait4", pid, 0))[1])

    assert run(first, cpus) == (0, ["child", "parent", "0"])


def test_flags_that_linux_refuses() -> None:
    """CLONE_THREAD needs CLONE_SIGHAND, which needs CLONE_VM; nothing is left of what was refused."""

    def refused(flags: int) -> Script:
        from kos.errors import GuestFault

        try:
            yield Fork(flags, ends_with, 0)
        except GuestFault as e:
            return e.errno == errno.EINVAL

    def first() -> Script:
        say((yield from refused(CLONE_THREAD)), (yield from refused(CLONE_SIGHAND)), (yield from refused(1 << 50)))

    assert run(first) == (0, ["True True True"])


@pytest.mark.parametrize("cpus", CPUS)
def test_siblings_by_clone_parent_and_strangers_by_rfnowait(cpus: int) -> None:
    """CLONE_PARENT makes a sibling; RFNOWAIT a child of init, for which nobody waits."""

    def child() -> Script:
        yield Fork(CLONE_PARENT, ends_with, 4)
        yield Fork(RFNOWAIT, ends_with, 5)
        say("child has", (yield from errno_of("wait4", -1, 0)) == errno.ECHILD)

    def first() -> Script:
        yield Fork(0, child)
        codes = []
        for _ in range(2):
            codes.append((yield from call("wait4", -1, 0))[1] >> 8)
        say(sorted(codes))

    status, lines = run(first, cpus)
    assert (status, sorted(lines)) == (0, ["[0, 4]", "child has True"])


def test_a_process_limit_fails_the_fork_and_nothing_else() -> None:
    """RLIMIT_NPROC: EAGAIN, and after a child has been waited for there is room again."""
    from kos.errors import GuestFault

    def first() -> Script:
        yield from call("setrlimit", 6, 4, 4)
        made = 0
        try:
            while True:
                yield Fork(0, ends_with, 0)
                made += 1
        except GuestFault as e:
            say(made, e.errno == errno.EAGAIN)
        yield from call("wait4", -1, 0)
        yield Fork(0, ends_with, 0)
        say("again")

    assert run(first) == (0, ["3 True", "again"])


@pytest.mark.parametrize("cpus", CPUS)
def test_many_processes_come_and_go(cpus: int) -> None:
    """Trees of processes on several CPUs: every status is told, nothing is left (the harness looks)."""

    def tree(depth: int) -> Script:
        total = 1
        if depth:
            for _ in range(3):
                yield Fork(0, tree, depth - 1)
            for _ in range(3):
                total += (yield from call("wait4", -1, 0))[1] >> 8
        return total

    def first() -> Script:
        total: Any = yield from tree(3)
        say(total)

    assert run(first, cpus) == (0, ["40"])
