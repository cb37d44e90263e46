"""A small language of random guest programs: what they may do, how to make one from a seed, how to shrink one.

A program is a list of steps; a step lets one task do one operation. Every operation is a handful of small numbers,
and any list of steps is a program: kos/testing/ops_model.py leaves out, by rules that depend on nothing but the list,
each operation that cannot be done at its place or whose outcome would depend on timing. So a generator needs no
knowledge, and any part of a failing program is a program again, which is all that shrinking wants.

Steps come in rounds. The tasks of one round run at the same time, on as many CPUs as there are; a round begins when the
last one is over. This file has the words; ops_model.py says what a program prints (ops_state.py: with what state,
ops_life.py: what happens to processes), and ops_guest.py is the guest program that does it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: numbers of each field are 0 to this, exclusive; a page is one of the sixteen that the programs map and unmap
LIMITS = {
    "page": 16, "count": 7, "offset": 4096, "length": 4096, "value": 256, "prot": 8, "kind": 4, "index": 8,
    "populate": 2, "advice": 5, "pipe": 2, "size": 9, "who": 8, "signal": 3, "code": 200, "spin": 2,
    "shrinks": 2, "times": 20, "risk": 30, "outpost": 2, "keeps": 2, "inherit": 4, "target": 16, "way": 3,
    "contest": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Store:
    """Writes bytes into one page; a write that kills is done only at risk 0."""

    page: int
    offset: int
    length: int
    value: int
    risk: int


@dataclass(frozen=True)
class Fetch:
    """Reads whole pages; a read that kills is done only at risk 0."""

    page: int
    count: int
    risk: int


@dataclass(frozen=True)
class Add:
    """Adds to a word atomically, several times; others may do so at the same time."""

    page: int
    value: int
    times: int


@dataclass(frozen=True)
class Map:
    """Maps pages, private or shared, anonymous or of the file, over whatever is there."""

    page: int
    count: int
    prot: int
    kind: int
    index: int
    populate: int


@dataclass(frozen=True)
class Unmap:
    page: int
    count: int


@dataclass(frozen=True)
class Protect:
    page: int
    count: int
    prot: int


@dataclass(frozen=True)
class Advise:
    page: int
    count: int
    advice: int


@dataclass(frozen=True)
class Resize:
    """mremap where it stands: a page grows to many, or many shrink to one."""

    page: int
    count: int
    shrinks: int


@dataclass(frozen=True)
class Move:
    """mremap to a place that the kernel chooses (an outpost): because what grows finds no room, or for its own sake.

    keeps: the old place stays mapped, and is empty.
    """

    page: int
    count: int
    outpost: int
    keeps: int


@dataclass(frozen=True)
class Free:
    """MADV_FREE of a page, and a store over all of it."""

    page: int
    value: int


@dataclass(frozen=True)
class Inherit:
    """minherit: NONE, SHARE, COPY or ZERO."""

    page: int
    count: int
    inherit: int


@dataclass(frozen=True)
class Send:
    """write(2) from a page to a pipe; a bad page is EFAULT."""

    pipe: int
    page: int
    length: int


@dataclass(frozen=True)
class Receive:
    """read(2) from a pipe into a page."""

    pipe: int
    page: int
    offset: int


@dataclass(frozen=True)
class FileWrite:
    index: int
    value: int


@dataclass(frozen=True)
class FileRead:
    index: int


@dataclass(frozen=True)
class Truncate:
    size: int


@dataclass(frozen=True)
class Fork:
    """A child that goes on with a copy of the caller's memory."""


@dataclass(frozen=True)
class Clone:
    """A thread in the caller's memory."""


@dataclass(frozen=True)
class Vfork:
    """A child in the caller's own memory: it stores a word there, and exits, dies, or becomes another program."""

    page: int
    offset: int
    value: int
    way: int


@dataclass(frozen=True)
class Exec:
    """The caller's process becomes a new program, whichever of its threads it is; with spin the others are busy."""

    value: int
    spin: int


@dataclass(frozen=True)
class Relay:
    """A child changes a page and sends it through a duplicate of a pipe's end; the caller reads it to another page."""

    page: int
    target: int
    length: int
    value: int
    way: int


@dataclass(frozen=True)
class Race:
    """A contest on one page, of a thread or a child with the caller (ops_races.py); the page is filled at the end."""

    page: int
    contest: int
    value: int
    times: int


@dataclass(frozen=True)
class Kill:
    """Ends another process by a signal; with spin it is busy with its memory, and with forks, when the signal comes."""

    who: int
    signal: int
    spin: int


@dataclass(frozen=True)
class Stop:
    """SIGSTOP to a child, which the caller waits for; with spin the child is busy when it comes."""

    who: int
    spin: int


@dataclass(frozen=True)
class Continue:
    """SIGCONT to a stopped process; its parent waits for it."""

    who: int


@dataclass(frozen=True)
class Handle:
    """A handler for SIGUSR2, which adds to the Python state and to a word of private memory, and perhaps forks."""

    value: int
    way: int


@dataclass(frozen=True)
class Signal:
    """SIGUSR2 to a process that has a handler for it, the caller's own perhaps."""

    who: int


@dataclass(frozen=True)
class Wait:
    """waitpid for a child that has ended or is about to."""

    who: int


@dataclass(frozen=True)
class WaitNone:
    """waitpid(-1, WNOHANG) where no child has ended."""


@dataclass(frozen=True)
class Exit:
    """Ends the process; done only at risk below 4."""

    code: int
    risk: int


@dataclass(frozen=True)
class ExitThread:
    code: int


@dataclass(frozen=True)
class Join:
    who: int


@dataclass(frozen=True)
class Remember:
    """Changes the task's Python state."""

    value: int


@dataclass(frozen=True)
class Dump:
    """Reports every page and the Python state."""


Op = (
    Store | Fetch | Add | Map | Unmap | Protect | Advise | Resize | Move | Free | Inherit | Send | Receive | FileWrite
    | FileRead | Truncate | Fork | Clone | Vfork | Exec | Relay | Kill | Stop | Continue | Handle | Signal | Wait
    | WaitNone | Exit | ExitThread | Join | Remember | Dump | Race
)  # fmt: skip

#: how often each operation is drawn
WEIGHTS: dict[type[Op], int] = {
    Store: 30, Fetch: 10, Add: 6, Map: 16, Unmap: 2, Protect: 6, Advise: 7, Resize: 3, Move: 4, Free: 2, Inherit: 4,
    Send: 4, Receive: 10, FileWrite: 2, FileRead: 1, Truncate: 1, Fork: 9, Clone: 5, Vfork: 4, Exec: 2, Relay: 5,
    Kill: 5, Stop: 8, Continue: 8, Handle: 4, Signal: 9, Wait: 5, WaitNone: 1, Exit: 2, ExitThread: 2, Join: 5,
    Remember: 2, Dump: 3, Race: 6,
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One operation. task: which of the live tasks does it; gap: 0 begins a new round."""

    task: int
    gap: int
    op: Op


Program = tuple[Step, ...]
TASKS, GAPS, STEPS = 6, 5, 90


def random_program(seed: int, steps: int = STEPS) -> Program:
    """The program of this seed: always the same."""
    rng = random.Random(f"kos {seed}")
    kinds, weights = list(WEIGHTS), list(WEIGHTS.values())

    def draw() -> Op:
        kind = rng.choices(kinds, weights)[0]
        return kind(**{f.name: rng.randrange(LIMITS[f.name]) for f in fields(kind)})

    return tuple(Step(rng.randrange(TASKS), rng.randrange(GAPS), draw()) for _ in range(steps))


def programs(steps: int = STEPS) -> SearchStrategy[Program]:
    """Programs as a hypothesis strategy: it shrinks them to few steps of small numbers."""
    from hypothesis import strategies as st  # hypothesis is wanted by tests only

    def numbers(kind: type[Op]) -> SearchStrategy[Op]:
        return st.builds(kind, **{f.name: st.integers(0, LIMITS[f.name] - 1) for f in fields(kind)})

    kinds = st.sampled_from([kind for kind, weight in WEIGHTS.items() for _ in range(weight)])
    step = st.builds(Step, st.integers(0, TASKS - 1), st.integers(0, GAPS - 1), kinds.flatmap(numbers))
    return st.lists(step, max_size=steps).map(tuple)


def shrink(program: Program, fails: Callable[[Program], bool], tries: int = 150) -> Program:
    """A shorter program that still fails, found by leaving out halves, quarters, ... and single steps.

    Calls `fails` at most `tries` times.
    """
    size = max(1, len(program) // 2)
    while tries > 0:
        start, shorter = 0, False
        while start < len(program) and tries > 0:
            rest = program[:start] + program[start + size :]
            tries -= 1
            if fails(rest):
                program, shorter = rest, True
            else:
                start += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return program
