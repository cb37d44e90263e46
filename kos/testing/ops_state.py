"""The state of a random program for its model: memories, processes, rounds, and who may touch what in a round."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kos.guest_abi import PAGE_SIZE, PROT_WRITE
from kos.testing import ops
from kos.testing.ops_guest import FILE_PAGES, NR_TASKS

SIGBUS, SIGSEGV = 7, 11
READ, ADD, ALONE = "read", "add", "alone"

Words = tuple[Any, ...]


@dataclass(frozen=True)
class LastExit:
    """Ends the process, whichever it is."""

    code: int


class Skip(Exception):
    """This operation is left out."""


class Fault(Exception):
    """An access that a signal answers."""

    def __init__(self, number: int) -> None:
        self.number = number


@dataclass
class Shared:
    """Pages that several memories may see: of the file, or of one shared anonymous mapping."""

    is_file: bool
    pages: dict[int, bytearray] = field(default_factory=dict)
    size: int = 1 << 30  #: in pages
    is_vague: bool = False  #: made by minherit: what lies beside the page depends on how memory was mapped before

    def page(self, index: int) -> bytearray:
        if index >= self.size:
            raise Fault(SIGBUS)
        return self.pages.setdefault(index, bytearray(PAGE_SIZE))


@dataclass
class Mapping:
    """One page of an address space."""

    prot: int
    is_shared: bool
    source: Shared | None  #: None for private anonymous memory
    index: int = 0
    own: bytearray | None = None  #: the private copy, once there is one
    dont_fork: bool = False
    wipe: bool = False
    copies: bool = False  #: shared, but a child gets a copy (minherit)
    by_minherit: bool = False  #: the last word on this was minherit's, not madvise's

    def read(self) -> bytearray:
        if not self.prot:
            raise Fault(SIGSEGV)
        if self.own is not None:
            return self.own
        return self.source.page(self.index) if self.source else bytearray(PAGE_SIZE)

    def write(self) -> bytearray:
        if not self.prot & PROT_WRITE:
            raise Fault(SIGSEGV)
        if self.is_shared:
            assert self.source is not None
            return self.source.page(self.index)
        if self.own is None:
            self.own = bytearray(self.read())
        return self.own

    def copied(self) -> Mapping:
        """What a child has of it."""
        if self.copies:
            assert self.source is not None
            return Mapping(self.prot, False, None, own=bytearray(self.source.page(self.index)), by_minherit=True)
        if self.wipe:
            return Mapping(self.prot, False, None, wipe=True, by_minherit=self.by_minherit)
        own = None if self.own is None else bytearray(self.own)
        return Mapping(
            self.prot, self.is_shared, self.source, self.index, own, False, self.wipe, False, self.by_minherit
        )

    def grown(self, by: int) -> Mapping:
        """The page that mremap adds so many pages behind it."""
        return Mapping(
            self.prot, self.is_shared, self.source, self.index + by, None, self.dont_fork, self.wipe, self.copies,
            self.by_minherit,
        )  # fmt: skip


@dataclass
class Process:
    parent: Process | None
    born: int
    pages: dict[int, Mapping] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    status: int | None = None  #: as waitstatus_to_exitcode() has it; None: alive
    reaped: bool = False
    closed_in: int = -1  #: round in which this process belongs to `closed_by` alone
    closed_by: int = -1
    outposts: list[int] = field(default_factory=lambda: [0, 0])  #: pages that each has
    handler: tuple[int, int] | None = None  #: of SIGUSR2: what it adds, in which way
    received: int = 0  #: what the handler has added in memory
    signalled_in: int = -1  #: round in which it was sent its last SIGUSR2
    is_stopped: bool = False
    busy: list[int] = field(default_factory=list)  #: tasks that were busy when it was stopped
    is_untidy: bool = False  #: it may have children that no step has made


@dataclass
class Task:
    number: int
    process: Process
    born: int  #: round; it takes part from the next one on
    is_thread: bool = False
    state: int = 0
    alive: bool = True
    exit_code: int | None = None
    joined: bool = False
    times_busy: int = 0  #: stops that it was busy at
    played_in: int = 0  #: the last round in which it did anything


@dataclass
class Part:
    """What one task does in one round."""

    ops: list[Words] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    answers: bool = True
    ended: bool = False


class State:
    """The state of a program after some of its steps."""

    def __init__(self) -> None:
        self.file = Shared(True, size=FILE_PAGES)
        self.pipes = [bytearray(), bytearray()]
        self.tasks: list[Task] = []
        self.round = 0
        self.parts: dict[int, Part] = {}
        self.claims: dict[Any, tuple[str, set[int]]] = {}
        self.script: list[list[list[Words]]] = [[] for _ in range(NR_TASKS)]
        self.rounds: list[tuple[list[int], list[int]]] = []
        self.lines: list[str] = []
        self.new_task(Process(None, -1))

    # Tasks and rounds.

    def new_task(self, process: Process, is_thread: bool = False, state: int = 0) -> Task:
        task = Task(len(self.tasks), process, self.round if self.tasks else -1, is_thread, state)
        self.tasks.append(task)
        process.tasks.append(task)
        return task

    def ready(self) -> list[Task]:
        """Tasks that may take part in this round."""
        return [t for t in self.tasks if t.alive and self.can_run(t.process) and t.born < self.round]

    def can_run(self, process: Process) -> bool:
        return process.status is None and not process.is_stopped

    def end_round(self) -> None:
        if self.parts:
            players = sorted(self.parts)
            for number in players:
                self.script[number].append(self.parts[number].ops)
            answering = [n for n in players if self.parts[n].answers]
            self.lines += [f"{len(self.rounds)} {n}: {' '.join(self.parts[n].words)}" for n in answering]
            self.rounds.append((players, answering))
        self.round += 1
        self.parts, self.claims = {}, {}

    def do(self, task: Task, op: ops.Op | LastExit) -> None:
        """Let the task do it in this round, or leave it out."""
        process = task.process
        part = self.parts.get(task.number)
        if part is not None and part.ended:
            return
        if process.closed_in == self.round and process.closed_by != task.number:
            return
        try:
            self.claim(task, READ, [("process", id(process))])
            words, answer, fatal = getattr(self, f"do_{type(op).__name__.lower()}")(task, op)
        except Skip:
            return
        part = self.parts.setdefault(task.number, Part())
        task.played_in = self.round
        part.ops += [("report",), words] if fatal else [words]
        part.ended = fatal
        if not fatal:
            part.words.append(words[0] if answer is None else f"{words[0]}={answer}")

    def claim(self, task: Task, mode: str, things: list[Any]) -> None:
        """These things are the task's in this round; Skip if another task has a claim that forbids it."""
        for thing in things:
            held, owners = self.claims.get(thing, (mode, set()))
            if owners - {task.number} and (ALONE in (held, mode) or held != mode):
                raise Skip
        for thing in things:
            held, owners = self.claims.get(thing, (mode, set()))
            self.claims[thing] = (mode if held == mode else ALONE, owners | {task.number})

    def close(self, task: Task) -> None:
        """The task's process is its alone until the round ends: it is about to be copied, or to end."""
        self.claim(task, ALONE, [("process", id(task.process))])
        task.process.closed_in, task.process.closed_by = self.round, task.number

    def close_file(self, task: Task) -> None:
        """No one else may look at the file, nor at what is mapped of it."""
        self.claim(task, ALONE, [("content", id(self.file), i) for i in range(64)])

    def claim_pages(self, task: Task, page: int, count: int, mode: str = ALONE) -> None:
        """These places of the task's address space: threads of one process keep off each other's."""
        self.claim(task, mode, [("place", id(task.process), p) for p in range(page, page + count)])

    def claim_content(self, task: Task, mapping: Mapping, mode: str) -> None:
        if mapping.source is not None and mapping.own is None:
            what = mode if mapping.is_shared else READ
            self.claim(task, what, [("content", id(mapping.source), mapping.index)])

    def pages_of(self, task: Task, page: int, count: int) -> list[Mapping | None]:
        return [task.process.pages.get(p) for p in range(page, page + count)]

    def seize(self, task: Task, victim: Process) -> None:
        """None of the other process's tasks has done anything in this round, nor will."""
        self.claim(task, ALONE, [("process", id(victim))])
        victim.closed_in, victim.closed_by = self.round, task.number

    def end_process(self, process: Process, status: int) -> None:
        process.status = status
        process.pages = {}

    def killed(self, task: Task, risk: int, number: int, words: Words) -> tuple[Words, None, bool]:
        """The operation ends the process by a signal."""
        if risk or self.last_of(task):
            raise Skip
        self.close(task)
        self.end_process(task.process, -number)
        return words, None, True

    def last_of(self, task: Task) -> bool:
        """Task 0's process ends last: who else would wait for the children?"""
        return task.process.parent is None
