"""Pids: in order, wrapping, never one in use."""

from __future__ import annotations

import pytest

import kos.sched.structs
from kos.arena.arena import Arena
from kos.errors import GuestFault
from kos.params import PID_MAX
from kos.sched.pid import FIRST_PID, alloc_pid, get_pid, nr_used, put_pid
from kos.sched.structs import machine, pid_refs

_declared = kos.sched.structs  # its segments are in the arena


def test_pids_go_up_and_wrap(arena: Arena) -> None:
    """After the last pid comes the first free one; a number that lives on as a group's is left out."""
    machine.s.last_pid = PID_MAX - 3
    get_pid(FIRST_PID)
    get_pid(FIRST_PID + 1)

    assert [alloc_pid() for _ in range(4)] == [PID_MAX - 2, PID_MAX - 1, FIRST_PID + 2, FIRST_PID + 3]


def test_a_number_is_free_when_its_last_use_ends(arena: Arena) -> None:
    """The pid of a dead leader is not handed out while its group exists."""
    pid = alloc_pid()
    get_pid(pid)
    put_pid(pid)
    machine.s.last_pid = pid - 1
    assert alloc_pid() != pid
    put_pid(pid)
    machine.s.last_pid = pid - 1
    assert alloc_pid() == pid


def test_when_all_are_in_use_the_fork_fails(arena: Arena) -> None:
    """EAGAIN, and with one returned it is that one."""
    pid_refs.np[FIRST_PID:] = 1
    with pytest.raises(GuestFault):
        alloc_pid()
    put_pid(12345)
    assert alloc_pid() == 12345
    assert nr_used() == PID_MAX - FIRST_PID
