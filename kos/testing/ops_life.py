"""The model of a random program, processes: forks, threads, exec, signals, stops, exits, waiting."""

from __future__ import annotations

from typing import Any

from kos.guest_abi import PROT_WRITE
from kos.testing import ops
from kos.testing.ops_guest import FORKS, KILLED, NR_TASKS
from kos.testing.ops_state import (
    ALONE,
    READ,
    SIGSEGV,
    Fault,
    LastExit,
    Mapping,
    Part,
    Process,
    Skip,
    State,
    Task,
)

SIGKILL = 9
SIGNALS = (SIGKILL, 15, 10)  # KILL, TERM, USR1
NO_END = 1 << 60  #: stops after which a task is no longer busy
REST = ("rest",)  #: what a task does that is no longer busy: it answers


class Life(State):
    """What operations on tasks and processes do."""

    # Memory, for those that need it; the whole of it is in ops_model.py.

    def touch(self, task: Task, page: int, mode: str) -> bytearray:
        """The bytes of a page for reading or (mode is not READ) for writing; raises Fault."""
        self.claim_pages(task, page, 1, mode)
        mapping = task.process.pages.get(page)
        if mapping is None:
            raise Fault(SIGSEGV)
        self.claim_content(task, mapping, mode)
        return mapping.read() if mode == READ else mapping.write()

    def aim(self, task: Task, page: int, exact: bool) -> int:
        """The page that is meant: any where `exact`, else one that can be used."""
        usable = sorted(p for p, m in task.process.pages.items() if m.prot & PROT_WRITE)
        if exact:
            return page
        if not usable:
            raise Skip
        return usable[page % len(usable)]

    # Children.

    def copy_memory(self, task: Task) -> dict[int, Mapping]:
        """What a child of the task's process has; the process is the task's alone until the round ends."""
        self.close(task)
        if task.is_thread and task.process.handler:
            raise Skip  # the handler, which runs in the first task, may be late with its word
        pages = {p: m for p, m in task.process.pages.items() if not m.dont_fork}
        for mapping in pages.values():
            if mapping.copies:
                self.claim_content(task, mapping, READ)
        return {p: m.copied() for p, m in pages.items()}

    def do_fork(self, task: Task, op: ops.Fork) -> Any:
        if len(self.tasks) == NR_TASKS:
            raise Skip
        pages = self.copy_memory(task)
        parent = task.process
        child = Process(parent, self.round, pages)
        child.outposts, child.handler, child.received = list(parent.outposts), parent.handler, parent.received
        child.is_untidy = bool(child.handler)
        return ("fork", self.new_task(child, state=task.state).number), None, False

    def do_clone(self, task: Task, op: ops.Clone) -> Any:
        if len(self.tasks) == NR_TASKS:
            raise Skip
        self.close(task)
        return ("clone", self.new_task(task.process, True, task.state).number), None, False

    def do_vfork(self, task: Task, op: ops.Vfork) -> Any:
        if task.is_thread and task.process.handler:
            raise Skip
        self.close(task)
        pages = task.process.pages
        if any(m.dont_fork or m.wipe or m.copies for m in pages.values()):
            raise Skip  # the host's stand-in for vfork loses these
        page = self.aim(task, op.page, False)
        if pages[page].source is not None and not pages[page].is_shared:
            raise Skip  # and does not share this
        offset = op.offset & ~7
        try:
            data = self.touch(task, page, ALONE)
        except Fault:
            raise Skip from None
        data[offset : offset + 8] = op.value.to_bytes(8, "little")
        return ("vfork", page, offset, op.value, op.way), -SIGKILL if op.way == KILLED else op.value, False

    def do_relay(self, task: Task, op: ops.Relay) -> Any:
        page, target = self.aim(task, op.page, False), self.aim(task, op.target, False)
        mine = task.process.pages[page]
        childs = self.copy_memory(task).get(page)
        words = ("relay", page, target, op.length + 1, op.value, op.way)
        if childs is None:
            return words, f"0 {-SIGSEGV}", False
        try:
            self.claim_content(task, mine, ALONE if mine.is_shared else READ)
            data = childs.write()
            goal = self.touch(task, target, ALONE)  # last: it may make a private copy of the file's page
        except Fault:
            raise Skip from None
        data[0] = op.value
        goal[: op.length + 1] = bytes(data[: op.length + 1])
        return words, f"{op.length + 1} {op.value}", False

    def do_exec(self, task: Task, op: ops.Exec) -> Any:
        if task.is_thread and task.process.handler:
            raise Skip  # a signal that the first task has not taken yet would kill the new program
        self.close(task)
        process = task.process
        others = [t for t in process.tasks if t is not task]
        for other in others:
            if op.spin and other.alive and other.born < self.round:
                self.parts[other.number] = Part([("spin", NO_END)], answers=False, ended=True)
                process.is_untidy = True  # its child lives, when it dies
            other.alive, other.joined = False, True
        process.pages, process.outposts, process.handler, process.received = {}, [0, 0], None, 0
        task.is_thread, task.state = False, op.value
        return ("exec", op.value), None, False

    # Signals.

    def victim_of(self, task: Task, who: int) -> Process:
        """Another process, to which the task is about to do something."""
        target = self.tasks[who % len(self.tasks)]
        victim = target.process
        if victim is task.process or victim.status is not None or self.last_of(target) or victim.born >= self.round:
            raise Skip
        return victim

    def name_of(self, process: Process) -> int:
        """The task under whose number everybody finds the process's id; a thread's may not be written yet."""
        return process.tasks[0].number

    def make_busy(self, victim: Process, turns: int | None, everyone: bool) -> list[int]:
        """The tasks of a seized process that are busy when the next signal comes, from now on or as they were.

        turns: stops until they come to an end; None: one more than the last time. Those that came to an end in this
        round are among them, `everyone` or not: nobody knows whether they say so before the signal comes. They say
        nothing in this round, and are busy again; if it was a stop, they speak in the round that ends it.
        """
        busy = []
        for one in victim.tasks:
            part = self.parts.get(one.number)
            if one.alive and one.born < self.round and (everyone or part is not None):
                before = [words for words in part.ops if words != REST] if part else []
                one.times_busy += 1
                spin = ("spin", one.times_busy if turns is None else turns)
                self.parts[one.number] = Part([*before, spin], answers=False, ended=True)
                busy.append(one.number)
        return busy

    def do_kill(self, task: Task, op: ops.Kill) -> Any:
        victim = self.victim_of(task, op.who)
        if victim.is_stopped and SIGNALS[op.signal] != SIGKILL:
            raise Skip  # waits until the process is continued
        self.seize(task, victim)
        if not victim.is_stopped:
            self.make_busy(victim, NO_END, bool(op.spin))
        self.end_process(victim, -SIGNALS[op.signal])
        return ("kill", self.name_of(victim), SIGNALS[op.signal]), None, False

    def do_stop(self, task: Task, op: ops.Stop) -> Any:
        victim = self.victim_of(task, op.who)
        if victim.parent is not task.process or victim.is_stopped:
            raise Skip
        self.seize(task, victim)
        victim.is_stopped, victim.busy = True, self.make_busy(victim, None, bool(op.spin))
        return ("stop", self.name_of(victim)), "True 19", False

    def do_continue(self, task: Task, op: ops.Continue) -> Any:
        stopped = [t for t in self.tasks if t.process.is_stopped and t.process.status is None]
        if not stopped:
            raise Skip
        process = stopped[op.who % len(stopped)].process
        self.seize(task, process)
        process.is_stopped = False
        for number in process.busy:  # each says when it has come to an end: in this round, if nothing hinders it
            part = self.parts.get(number, Part())
            done = [*part.ops, REST]  # behind what it was busy with, if that was in this round too
            self.parts[number] = Part(done, [words[0] for words in done], ended=True)
        is_parent = process.parent is task.process
        words = ("continue", self.name_of(process), tuple(process.busy), is_parent)
        return words, is_parent or None, False

    def do_handle(self, task: Task, op: ops.Handle) -> Any:
        if task.is_thread:
            raise Skip  # Python: signal only works in the main thread
        self.close(task)
        task.process.handler = (op.value, op.way)
        task.process.is_untidy |= op.way == FORKS
        return ("handle", op.value, op.way), None, False

    def do_signal(self, task: Task, op: ops.Signal) -> Any:
        victim = self.tasks[op.who % len(self.tasks)].process
        if victim.handler is None or not self.can_run(victim) or victim.born >= self.round:
            raise Skip
        first = next(t for t in victim.tasks if t.alive and not t.is_thread)
        if victim.signalled_in >= first.played_in:
            raise Skip  # two may be taken for one
        if victim is task.process:
            if task is not first:
                raise Skip
            self.close(task)
        else:
            self.seize(task, victim)
        victim.signalled_in = self.round
        value = victim.handler[0]
        first.state += value
        victim.received += value
        return ("signal", self.name_of(victim)), None, False

    # Ends.

    def do_wait(self, task: Task, op: ops.Wait) -> Any:
        child = self.tasks[op.who % len(self.tasks)].process
        if child.parent is not task.process or child.status is None or child.reaped:
            raise Skip
        self.claim(task, ALONE, [("child", id(child))])
        child.reaped = True
        return ("wait", self.name_of(child)), f"True {child.status}", False

    def do_waitnone(self, task: Task, op: ops.WaitNone) -> Any:
        children = [t.process for t in self.tasks if t.process.parent is task.process and not t.process.reaped]
        if any(child.status is not None for child in children) or task.process.is_untidy:
            raise Skip
        # Nobody may end, make or take a child meanwhile.
        for child in children:
            self.seize(task, child)
        self.close(task)
        return ("wait_none",), "(0, 0)" if children else "ECHILD", False

    def do_exit(self, task: Task, op: ops.Exit) -> Any:
        if op.risk >= 4 or self.last_of(task):
            raise Skip
        return self.do_lastexit(task, LastExit(op.code))

    def do_lastexit(self, task: Task, op: LastExit) -> Any:
        self.close(task)
        self.end_process(task.process, op.code)
        return ("exit", op.code), None, True

    def do_exitthread(self, task: Task, op: ops.ExitThread) -> Any:
        if not task.is_thread:
            raise Skip
        task.alive, task.exit_code = False, op.code
        return ("exit_thread", op.code), None, True

    def do_join(self, task: Task, op: ops.Join) -> Any:
        ended = [t for t in task.process.tasks if t.exit_code is not None and not t.joined]
        if not ended:
            raise Skip
        target = ended[op.who % len(ended)]
        self.claim(task, ALONE, [("joined", target.number)])
        target.joined = True
        return ("join", target.number), target.exit_code, False
