"""What a random program prints, worked out without any kernel: pages are bytearrays in a dict.

plan() walks through the steps of a program in their order, as if each operation were done at once. That is allowed
because the tasks of one round may not disturb each other: before an operation counts, it claims what it touches (a page
of an address space, a page of the file, a pipe, a whole memory) for its task and round, to read, to add to atomically,
or alone. What is claimed otherwise already is left out of the program. So are operations that would wait for ever.

Semantics are Linux's: fork copies private pages and shares the others, a private page of a file shows the file until it
is written, truncation takes private copies too, PROT_WRITE can be read, mprotect stops at a hole, madvise does not.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from kos.guest_abi import PAGE_SIZE, PROT_READ, PROT_WRITE
from kos.testing import ops
from kos.testing.ops_guest import FAR, PAGES, PLACES
from kos.testing.ops_life import Life
from kos.testing.ops_races import RECORDS
from kos.testing.ops_state import (
    ADD,
    ALONE,
    READ,
    SIGBUS,
    SIGSEGV,
    Fault,
    LastExit,
    Mapping,
    Shared,
    Skip,
    Task,
    Words,
)  # fmt: skip

DONTNEED, DONTFORK, DOFORK, WIPEONFORK, KEEPONFORK = range(5)  #: indexes of ops_guest.ADVICE
SHARE, COPY, NONE, ZERO = range(4)  #: INHERIT_*
ZAPPED, FLIPPED, REMAPPED, COPIED, PING_PONG, FLOOD, WITHDRAWN, TRUNCATED = range(8)  #: ops_races.CONTESTS
#: how these end; what others answer is how often they saw what may not be
ANSWERS = {FLOOD: f"{RECORDS},{RECORDS},0", WITHDRAWN: -SIGSEGV, TRUNCATED: f"{-SIGBUS},True,0"}
PIPE_FULL = 16 * 1024  #: bytes; less than any pipe holds, so no writer waits


@dataclass
class Plan:
    """A program made ready. script: for each task, its operations of each of its rounds; rounds: who takes part in
    each, and who answers; expected: what the driver prints."""

    script: list[list[list[Words]]]
    rounds: list[tuple[list[int], list[int]]]
    expected: str


class Model(Life):
    """What each operation does."""

    # Memory.

    def do_store(self, task: Task, op: ops.Store) -> Any:
        page = self.aim(task, op.page, op.risk < 2)
        length = max(1, min(op.length, PAGE_SIZE - op.offset))
        words = ("store", page, op.offset, length, op.value)
        try:
            self.touch(task, page, ALONE)[op.offset : op.offset + length] = bytes([op.value]) * length
        except Fault as fault:
            return self.killed(task, op.risk, fault.number, words)
        return words, None, False

    def do_fetch(self, task: Task, op: ops.Fetch) -> Any:
        page = self.aim(task, op.page, op.risk < 2)
        count = max(1, min(op.count, PAGES - page)) if op.risk < 8 else 1  # an outpost's pages one by one
        words = ("fetch", page, count)
        try:
            data = b"".join(bytes(self.touch(task, p, READ)) for p in range(page, page + count))
        except Fault as fault:
            return self.killed(task, op.risk, fault.number, words)
        return words, f"{zlib.crc32(data):x}", False

    def do_add(self, task: Task, op: ops.Add) -> Any:
        page = self.aim(task, op.page, False)
        mapping = task.process.pages.get(page)
        # A private page that becomes the task's own by this would be read by the next task's operation: alone.
        mode = ADD if mapping is not None and mapping.is_shared else ALONE
        try:
            data = self.touch(task, page, mode)
        except Fault:
            raise Skip from None
        times = max(1, op.times)  # not at all would leave a private page the file's
        total = int.from_bytes(data[8:16], "little") + op.value * times
        data[8:16] = (total % (1 << 64)).to_bytes(8, "little")
        return ("add", page, op.value, times), None, False

    def do_map(self, task: Task, op: ops.Map) -> Any:
        count, prot = self.span(op), self.prot(op.prot)
        is_file, is_shared = bool(op.kind & 2), bool(op.kind & 1)
        self.claim_pages(task, op.page, count)
        source = self.file if is_file else Shared(False, size=count) if is_shared else None
        new = [Mapping(prot, is_shared, source, op.index + i if is_file else i) for i in range(count)]
        if op.populate:
            for mapping in new:
                self.claim_content(task, mapping, READ)
        task.process.pages.update(zip(range(op.page, op.page + count), new, strict=True))
        if op.populate and not is_shared and prot & PROT_WRITE:
            for mapping in new:  # populated as by writes, up to the first page that cannot be
                try:
                    mapping.write()
                except Fault:
                    break
        return ("map", op.page, count, prot, op.kind, op.index, op.populate), None, False

    def span(self, op: Any) -> int:
        count: int = max(1, min(op.count, PAGES - op.page))
        return count

    def prot(self, number: int) -> int:
        """Mostly readable and writable."""
        return {0: 0, 1: PROT_READ, 2: PROT_READ, 3: PROT_WRITE}.get(number, PROT_READ | PROT_WRITE)

    def do_unmap(self, task: Task, op: ops.Unmap) -> Any:
        count = self.span(op)
        self.claim_pages(task, op.page, count)
        for p in range(op.page, op.page + count):
            task.process.pages.pop(p, None)
        return ("unmap", op.page, count), None, False

    def do_protect(self, task: Task, op: ops.Protect) -> Any:
        count, prot = self.span(op), self.prot(op.prot)
        self.claim_pages(task, op.page, count)
        answer = None
        for mapping in self.pages_of(task, op.page, count):
            if mapping is None:
                answer = "ENOMEM"  # what stands before the hole is changed
                break
            mapping.prot = prot
        return ("protect", op.page, count, prot), answer, False

    def do_advise(self, task: Task, op: ops.Advise) -> Any:
        count = self.span(op)
        self.claim_pages(task, op.page, count)
        if op.advice != DONTNEED and any(m is not None and m.by_minherit for m in self.pages_of(task, op.page, count)):
            raise Skip  # two calls on what fork does: whose word would count?
        answer = None
        for mapping in self.pages_of(task, op.page, count):
            if mapping is None:
                answer = "ENOMEM"  # but goes on behind the hole
            elif op.advice == WIPEONFORK and mapping.source is not None:
                answer = "EINVAL"
                break
            elif op.advice == DONTNEED:
                mapping.own = None
            elif op.advice in (DONTFORK, DOFORK):
                mapping.dont_fork = op.advice == DONTFORK
            else:
                mapping.wipe = op.advice == WIPEONFORK
        return ("advise", op.page, count, op.advice), answer, False

    def do_resize(self, task: Task, op: ops.Resize) -> Any:
        count = self.span(op)
        self.claim_pages(task, op.page, count)
        pages = task.process.pages
        old, new = (count, 1) if op.shrinks else (1, count)
        words = ("resize", op.page, old, new)
        first = pages.get(op.page)
        if first is None:
            return words, "EFAULT", False
        rest = range(op.page + 1, op.page + count)
        if op.shrinks:
            for p in rest:
                pages.pop(p, None)
        elif any(p in pages for p in rest):
            return words, "ENOMEM", False
        elif rest and first.source is not None and first.source.is_vague:
            raise Skip
        else:
            for p in rest:  # what a shared anonymous mapping grows by has nothing behind it
                pages[p] = first.grown(p - op.page)
        return words, True, False

    def do_move(self, task: Task, op: ops.Move) -> Any:
        count = max(1, min(op.count, FAR, PAGES - op.page))
        keeps = bool(op.keeps) or count == 1
        count = 1 if keeps else count
        process, far = task.process, PAGES + FAR * op.outpost
        pages = process.pages
        self.claim_pages(task, op.page, count)
        self.claim_pages(task, far, FAR)
        first = pages.get(op.page)
        if first is None or first.dont_fork or (count > 1 and first.source is not None and first.source.is_vague):
            raise Skip  # an outpost is there in a child too, or its address may be handed out anew
        words = ("move", op.page, count, op.outpost, keeps, process.outposts[op.outpost])
        rest = range(op.page + 1, op.page + count)
        for p in range(far, far + FAR):
            pages.pop(p, None)
        process.outposts[op.outpost] = 0
        if not keeps and not any(p in pages for p in rest):
            for p in rest:
                pages[p] = first.grown(p - op.page)
            return words, "here", False
        pages[far] = first
        for k in range(1, count):
            pages[far + k] = first.grown(k)
        process.outposts[op.outpost] = count
        if keeps:
            pages[op.page] = first.grown(0)
        else:
            del pages[op.page]
        return words, "there", False

    def do_free(self, task: Task, op: ops.Free) -> Any:
        page = self.aim(task, op.page, False)
        words = ("free", page, op.value)
        self.claim_pages(task, page, 1)
        if task.process.pages[page].source is not None:
            return words, "EINVAL", False
        self.touch(task, page, ALONE)[:] = bytes([op.value]) * PAGE_SIZE
        return words, None, False

    def do_inherit(self, task: Task, op: ops.Inherit) -> Any:
        count = self.span(op)
        self.claim_pages(task, op.page, count)
        found = [m for m in self.pages_of(task, op.page, count) if m is not None]
        if len(found) < count or any(not self.may_inherit(m, op.inherit) for m in found):
            raise Skip
        for mapping in found:
            mapping.dont_fork, mapping.by_minherit = op.inherit == NONE, True
            mapping.wipe = op.inherit == ZERO
            mapping.copies = op.inherit == COPY and mapping.is_shared
            if op.inherit == SHARE and not mapping.is_shared:
                own = mapping.own or bytearray(PAGE_SIZE)
                mapping.source, mapping.index = Shared(False, {0: own}, is_vague=True), 0
                mapping.is_shared, mapping.own = True, None
        return ("inherit", op.page, count, op.inherit), None, False

    def may_inherit(self, mapping: Mapping, inherit: int) -> bool:
        """What the host's stand-in for minherit can do."""
        if mapping.source is None or inherit == NONE:
            return True
        if not mapping.is_shared:
            return inherit in (COPY, ZERO)
        return inherit != COPY or (not mapping.source.is_file and mapping.index < mapping.source.size)

    def do_race(self, task: Task, op: ops.Race) -> Any:
        """Nobody else touches the page, so what is left of it does not depend on the contest."""
        pages, turns = task.process.pages, op.times + 1
        page = op.page if op.contest == REMAPPED else self.aim(task, op.page, False)
        self.claim_pages(task, page, 1)
        if op.contest == REMAPPED:
            pages[page] = Mapping(PROT_READ | PROT_WRITE, False, None)
        mapping = pages[page]
        if op.contest == COPIED and (mapping.dont_fork or mapping.wipe or mapping.copies):
            raise Skip
        if mapping.source is not None:  # a private copy may be thrown away, and the file's page seen again
            self.claim(task, ALONE if mapping.is_shared else READ, [("content", id(mapping.source), mapping.index)])
        try:
            if mapping.source is not None:
                mapping.source.page(mapping.index)
            self.touch(task, page, ALONE)[:] = bytes([op.value]) * PAGE_SIZE
        except Fault:
            raise Skip from None
        is_seen = mapping.is_shared and not (mapping.dont_fork or mapping.wipe or mapping.copies)
        is_shared = is_seen if op.contest in (PING_PONG, WITHDRAWN) else mapping.is_shared
        words = ("race", page, op.contest, op.value, turns, mapping.prot, is_shared)
        return words, {PING_PONG: 2 * turns, **ANSWERS}.get(op.contest, 0), False

    # Pipes and the file.

    def do_send(self, task: Task, op: ops.Send) -> Any:
        length = op.length + 1
        pipe = self.pipes[op.pipe]
        if len(pipe) + length > PIPE_FULL:
            raise Skip
        self.claim(task, ALONE, [("pipe", op.pipe)])
        page = self.aim(task, op.page, op.length % 4 == 0)
        words = ("send", op.pipe, page, length)
        try:
            pipe += self.touch(task, page, READ)[:length]
        except Fault:
            return words, "EFAULT", False
        return words, length, False

    def do_receive(self, task: Task, op: ops.Receive) -> Any:
        pipe = self.pipes[op.pipe]
        if not pipe:
            raise Skip  # would wait
        self.claim(task, ALONE, [("pipe", op.pipe)])
        wanted = PAGE_SIZE - op.offset
        target = self.aim(task, op.page, op.offset % 4 == 0)
        words = ("receive", op.pipe, target, op.offset, wanted)
        try:
            page = self.touch(task, target, ALONE)
        except Fault:
            return words, "EFAULT", False
        data = bytes(pipe[:wanted])
        del pipe[:wanted]
        page[op.offset : op.offset + len(data)] = data
        return words, len(data), False

    def do_filewrite(self, task: Task, op: ops.FileWrite) -> Any:
        if op.index >= self.file.size:
            self.close_file(task)
        self.claim(task, ALONE, [("content", id(self.file), op.index)])
        self.file.size = max(self.file.size, op.index + 1)
        self.file.page(op.index)[:] = bytes([op.value]) * PAGE_SIZE
        return ("file_write", op.index, op.value), PAGE_SIZE, False

    def do_fileread(self, task: Task, op: ops.FileRead) -> Any:
        self.claim(task, READ, [("content", id(self.file), op.index)])
        data = b"" if op.index >= self.file.size else bytes(self.file.page(op.index))
        return ("file_read", op.index), f"{zlib.crc32(data):x}", False

    def do_truncate(self, task: Task, op: ops.Truncate) -> Any:
        """Changes every memory that maps the file: nobody else is at work in this round."""
        if any(number != task.number for number in self.parts):
            raise Skip
        for other in self.tasks:
            if other.process.closed_in == self.round and other.process.closed_by != task.number:
                raise Skip
        self.close_file(task)
        for process in {id(t.process): t.process for t in self.tasks}.values():
            process.closed_in, process.closed_by = self.round, task.number
            for mapping in process.pages.values():
                if mapping.source is self.file and mapping.index >= op.size:
                    mapping.own = None
        self.file.size = op.size
        self.file.pages = {i: page for i, page in self.file.pages.items() if i < op.size}
        return ("truncate", op.size), None, False

    # What every task can say of itself.

    def do_remember(self, task: Task, op: ops.Remember) -> Any:
        task.state += op.value
        return ("remember", op.value), None, False

    def do_dump(self, task: Task, op: ops.Dump) -> Any:
        self.claim_pages(task, 0, PLACES, READ)
        seen = []
        for page in range(PLACES):
            try:
                seen.append(f"{zlib.crc32(self.touch(task, page, READ)):x}")
            except Fault:
                seen.append("-")
        is_first = not task.is_thread
        told = f" {task.process.received}" if is_first else ""
        return ("dump", is_first), f"{','.join(seen)} {task.state}{told}", False


def plan(program: ops.Program) -> Plan:
    """Make a program ready to run; at its end every task tells what it sees, and every process is waited for."""
    model = Model()
    for step in program:
        if step.gap == 0:
            model.end_round()
        ready = model.ready()
        if ready:
            model.do(ready[step.task % len(ready)], step.op)
    model.end_round()
    for process in {id(t.process): t.process for t in model.tasks}.values():
        if process.is_stopped:
            model.do(next(t for t in model.ready() if model.last_of(t)), ops.Continue(0))
            model.end_round()
    for task in model.ready():
        model.do(task, ops.Dump())
    model.end_round()
    processes = list({id(t.process): t.process for t in model.tasks}.values())
    for process in reversed(processes):  # children first
        if process.status is None:
            task = next(t for t in process.tasks if t.alive)
            for number, other in enumerate(model.tasks):
                if other.process.parent is process and other.process.tasks[0] is other:
                    model.do(task, ops.Wait(number))
            model.do(task, LastExit(10 + process.tasks[0].number))
            model.end_round()
    return Plan(model.script, model.rounds, "".join(f"{line}\n" for line in model.lines) + "ended: 10\nend\n")
