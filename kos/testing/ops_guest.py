"""The guest program that does what a plan of kos/testing/ops_model.py says.

Source text: ops_run.py appends what is in ops_races.py, and main(PLANS).

A driver starts task 0, and lets the tasks of each round go by a byte in a pipe of each; a task answers with one line
in another pipe. So no output depends on who was faster. Tasks find their pages at fixed addresses.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import sys
import zlib
from collections.abc import Callable
from typing import Any

from kos import guest as _guest

guest: Any = _guest  # its numbers come by `*`, which type checkers do not see through
PAGE = guest.PAGE_SIZE
ARENA, PAGES = 0x1000_0000_0000, 16
TABLE = 0x1001_0000_0000  #: a shared page: pid of each task, then tid of each thread
SCRATCH = 0x1002_0000_0000  #: where a task is busy until it is killed
BOOK = 0x1003_0000_0000  #: a private page: address and pages of each outpost, then what the signal handler has added
NR_TASKS, FILE_PAGES = 8, 4
FAR, NR_OUTPOSTS = 4, 2  # pages of an outpost; the kernel chooses where it lies
PLACES = PAGES + FAR * NR_OUTPOSTS  #: numbers of pages: first those of the arena
RECEIVED, BUSY = BOOK + 64, TABLE + 16 * NR_TASKS  #: words; BUSY: one of each task, the stops that are over
BEGUN = BUSY + 8 * NR_TASKS  #: words, one of each process: it has left os.fork()
KILLED, EXECS, FORKS = 1, 2, 2  # ways of Vfork; of Handle
ADVICE = (guest.MADV_DONTNEED, guest.MADV_DONTFORK, guest.MADV_DOFORK, guest.MADV_WIPEONFORK, guest.MADV_KEEPONFORK)
RW, PRIVATE = guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
ON_PAGES = set("store fetch add unmap protect advise resize free inherit vfork relay race".split())
PATIENCE = 25.0  # seconds after which a task is called silent
MORE: dict[str, Callable[..., str]] = {}  # operations of ops_races.py

Pipe = tuple[int, int]


class World:
    """What the tasks of one program have in common: descriptors, and the plan."""

    def __init__(self, name: int, script: list[Any], fds: list[int] | None = None) -> None:
        """fds: of the same program's world before an exec."""
        self.name = name
        self.script = script
        self.fds = fds or make_descriptors()
        self.file, self.table, *ends = self.fds
        pipes: list[Pipe] = list(zip(ends[::2], ends[1::2], strict=True))
        self.go = pipes[:NR_TASKS]
        self.done = pipes[NR_TASKS : 2 * NR_TASKS]
        self.own = pipes[2 * NR_TASKS : 3 * NR_TASKS]
        self.data = pipes[3 * NR_TASKS :]
        guest.mmap(TABLE, PAGE, RW, guest.MAP_SHARED | guest.MAP_FIXED, self.table)
        guest.mmap(BOOK, PAGE, RW, PRIVATE | guest.MAP_FIXED)


def make_descriptors() -> list[int]:
    """The file, the table, and all pipes; open over exec."""
    fds = [os.memfd_create("file"), os.memfd_create("table")]
    os.ftruncate(fds[0], FILE_PAGES * PAGE)
    os.ftruncate(fds[1], PAGE)
    for _ in range(3 * NR_TASKS + 2):
        fds += os.pipe()
    for fd in fds:
        os.set_inheritable(fd, True)
    return fds


def where(place: int) -> int:
    """The address of a page; 0 for one that its outpost does not have."""
    if place < PAGES:
        return ARENA + place * int(PAGE)
    outpost, page = divmod(place - PAGES, FAR)
    address, pages = guest.load64(BOOK + 16 * outpost), guest.load64(BOOK + 16 * outpost + 8)
    return int(address) + page * PAGE if page < pages else 0


def look(world: World, me: int) -> str:
    """Checksum of every page, read by the kernel: `-` where it cannot be read."""
    words = []
    r, w = world.own[me]
    for page in range(PLACES):
        try:
            guest.write(w, where(page), PAGE)
            words.append(f"{zlib.crc32(os.read(r, PAGE)):x}")
        except OSError as e:
            words.append("-" if e.errno == errno.EFAULT else errno.errorcode[e.errno or 0])
    return ",".join(words)


def be_busy(me: int, turns: int) -> None:
    """Until so many stops are over, or a signal ends it: map, touch, protect, unmap, fork."""
    base = SCRATCH + me * 0x10_0000
    while guest.load64(BUSY + 8 * me) < turns:
        guest.mmap(base, 4 * PAGE, RW, PRIVATE | guest.MAP_FIXED)
        guest.store(base, b"busy" * 3000)
        guest.mprotect(base, PAGE, guest.PROT_READ)
        guest.munmap(base + PAGE, PAGE)
        pid = os.fork()
        if pid == 0:
            guest.store8(base + 2 * PAGE, 1)
            os._exit(0)
        os.waitpid(pid, 0)


def start_task(world: World, me: int, child: int, state: list[int], thread: bool) -> None:
    if thread:
        tid = guest.clone(run_task, world, child, list(state))
        guest.store64(TABLE + 8 * (NR_TASKS + child), tid)
        guest.store64(TABLE + 8 * child, os.getpid())
        return
    pid = os.fork()
    if pid == 0:
        try:
            guest.store64(BEGUN + 8 * child, 1)
            First.state = list(state)
            run_task(world, child, First.state)
        finally:
            os._exit(98)
    guest.store64(TABLE + 8 * child, pid)


class First:
    state: list[int] = []  #: of the process's first task: the signal handler runs there


def handle(value: int, way: int) -> None:
    """Install a handler for SIGUSR2."""

    def handler(number: int, frame: Any) -> None:
        First.state.append(value)
        if way == FORKS:
            pid = os.fork()
            if pid == 0:
                guest.store64(RECEIVED, 0)
                os._exit(0)
            os.waitpid(pid, 0)
        guest.store64(RECEIVED, guest.load64(RECEIVED) + value)

    signal.signal(signal.SIGUSR2, handler)


def vfork(at: int, value: int, way: int) -> str:
    """A child in our memory; its exit status."""
    pid = guest.vfork()
    if pid == 0:
        guest.store64(at, value)
        if way == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        elif way == EXECS:
            os.execv(sys.executable, [sys.executable, sys.argv[0], "exit", str(value)])
        os._exit(value)
    return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def relay(source: int, target: int, length: int, value: int, way: int) -> str:
    """What a child sends us of its copy of a page: how much, and its exit status."""
    r, w = os.pipe()
    other = os.dup(w) if way == 0 else os.dup2(w, 200 + w) if way == 1 else fcntl.fcntl(w, fcntl.F_DUPFD, 100)
    os.close(w)
    pid = os.fork()
    if pid == 0:
        guest.store8(source, value)
        guest.write(other, source, length)
        os._exit(value)
    os.close(other)
    got = 0
    while count := guest.read(r, target + got, PAGE - got):
        got += count
    os.close(r)
    return f"{got} {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}"


def move(page: int, count: int, outpost: int, keeps: bool, before: int) -> str:
    """mremap that moves, if there is no room or `keeps`; the outpost had `before` pages."""
    book, at = BOOK + 16 * outpost, where(page)
    if before:
        guest.munmap(guest.load64(book), before * PAGE)
        guest.store64(book + 8, 0)
    flags = guest.MREMAP_MAYMOVE | (guest.MREMAP_DONTUNMAP if keeps else 0)
    got = guest.mremap(at, PAGE, count * PAGE, flags)
    if got == at:
        return "here"
    guest.store64(book, got)
    guest.store64(book + 8, count)
    return "there"


def go_on(pid: int, busy: Any, is_parent: bool) -> str | None:
    """Continue a process, and have its tasks stop being busy."""
    for task in busy:
        guest.fetch_add64(BUSY + 8 * task, 1)
    os.kill(pid, signal.SIGCONT)
    return str(os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1])) if is_parent else None


def map_pages(world: World, page: int, count: int, prot: int, kind: int, index: int, populate: int) -> None:
    flags = guest.MAP_FIXED | (guest.MAP_SHARED if kind & 1 else guest.MAP_PRIVATE)
    flags |= guest.MAP_POPULATE if populate else 0
    if kind & 2:
        guest.mmap(ARENA + page * PAGE, count * PAGE, prot, flags, world.file, index * PAGE)
    else:
        guest.mmap(ARENA + page * PAGE, count * PAGE, prot, flags | guest.MAP_ANONYMOUS)


def act(world: World, me: int, state: list[int], op: Any) -> str | None:
    """Do one operation; returns what it answers, None where there is nothing to say."""
    name, *a = op
    at = where(a[0]) if name in ON_PAGES else 0
    if name == "store":
        guest.store(at + a[1], bytes([a[3]]) * a[2])
    elif name == "fetch":
        return f"{zlib.crc32(guest.load(at, a[1] * PAGE)):x}"
    elif name == "add":
        for _ in range(a[2]):
            guest.fetch_add64(at + 8, a[1])
    elif name == "map":
        map_pages(world, *a)
    elif name == "unmap":
        guest.munmap(at, a[1] * PAGE)
    elif name == "protect":
        guest.mprotect(at, a[1] * PAGE, a[2])
    elif name == "advise":
        guest.madvise(at, a[1] * PAGE, ADVICE[a[2]])
    elif name == "resize":
        return str(guest.mremap(at, a[1] * PAGE, a[2] * PAGE) == at)
    elif name == "move":
        return move(*a)
    elif name == "free":
        guest.madvise(at, PAGE, guest.MADV_FREE)
        guest.store(at, bytes([a[1]]) * PAGE)
    elif name == "inherit":
        guest.minherit(at, a[1] * PAGE, a[2])
    elif name == "send":
        return str(guest.write(world.data[a[0]][1], where(a[1]), a[2]))
    elif name == "receive":
        return str(guest.read(world.data[a[0]][0], where(a[1]) + a[2], a[3]))
    elif name == "file_write":
        return str(os.pwrite(world.file, bytes([a[1]]) * PAGE, a[0] * PAGE))
    elif name == "file_read":
        return f"{zlib.crc32(os.pread(world.file, PAGE, a[0] * PAGE)):x}"
    elif name == "truncate":
        os.ftruncate(world.file, a[0] * PAGE)
    elif name in ("fork", "clone"):
        start_task(world, me, a[0], state, name == "clone")
    elif name == "vfork":
        return vfork(at + a[1], a[2], a[3])
    elif name == "relay":
        return relay(at, where(a[1]), *a[2:])
    elif name == "kill":
        os.kill(guest.load64(TABLE + 8 * a[0]), a[1])
    elif name == "stop":
        os.kill(guest.load64(TABLE + 8 * a[0]), signal.SIGSTOP)
        status = os.waitpid(guest.load64(TABLE + 8 * a[0]), os.WUNTRACED)[1]
        return f"{os.WIFSTOPPED(status)} {os.WSTOPSIG(status)}"
    elif name == "continue":
        return go_on(guest.load64(TABLE + 8 * a[0]), a[1], a[2])
    elif name == "handle":
        handle(*a)
    elif name == "signal":
        while not guest.load64(BEGUN + 8 * a[0]):
            os.sched_yield()  # the host's Python forgets, in a new child, which signals came before
        os.kill(guest.load64(TABLE + 8 * a[0]), signal.SIGUSR2)
    elif name == "wait":
        pid = guest.load64(TABLE + 8 * a[0])
        got, status = os.waitpid(pid, 0)
        return f"{got == pid} {os.waitstatus_to_exitcode(status)}"
    elif name == "wait_none":
        return str(os.waitpid(-1, os.WNOHANG))
    elif name == "join":
        return str(guest.join(guest.load64(TABLE + 8 * (NR_TASKS + a[0]))))
    elif name == "exit":
        os._exit(a[0])
    elif name == "exit_thread":
        guest.exit_thread(a[0])
    elif name == "remember":
        state.append(a[0])
    elif name == "dump":
        return f"{look(world, me)} {sum(state)}" + (f" {guest.load64(RECEIVED)}" if a[0] else "")
    elif name == "spin":
        be_busy(me, a[0])
    elif name in MORE:
        return MORE[name](at, SCRATCH + me * 0x10_0000 + 0x8_0000, *a[1:])
    return None


def become(world: World, me: int, state: int, stage: int, step: int, words: list[str]) -> None:
    """exec: a new program goes on behind this operation."""
    numbers = [str(n) for n in (world.name, me, state, stage, step, *world.fds)]
    os.execv(sys.executable, [sys.executable, sys.argv[0], "resume", " ".join(words), *numbers])


def run_task(
    world: World, me: int, state: list[int], stage: int = 0, step: int = 0, said: list[str] | None = None
) -> None:
    """Round after round of this task's part; the model says how it ends.

    After an exec: from the operation `step` of the round `stage` on, in which it has said something already.
    """
    for number in range(stage, len(world.script[me])):
        ops = world.script[me][number]
        words: list[str] = []
        if said is None:
            os.read(world.go[me][0], 1)
        else:
            words, said = said, None
        for at in range(step, len(ops)):
            op = ops[at]
            if op[0] == "report":  # the next operation ends this task
                os.write(world.done[me][1], (" ".join(words) + "\n").encode())
                continue
            if op[0] == "exec":
                become(world, me, op[1], number, at + 1, [*words, "exec"])
            try:
                word = act(world, me, state, op)
            except OSError as e:
                word = errno.errorcode[e.errno or 0]
            words.append(op[0] if word is None else f"{op[0]}={word}")
        step = 0
        if ops[-1][0] == "spin":
            continue
        os.write(world.done[me][1], (" ".join(words) + "\n").encode())
        if ("report",) in ops:
            os.write(1, f"task {me}: survived {ops[-1]}\n".encode())
            os._exit(97)
    os.read(world.go[me][0], 1)  # until the process ends


def hear(fd: int) -> str | None:
    """One line from a pipe; None when it does not come."""
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([fd], [], [], PATIENCE)[0]:
            return None
        line += os.read(fd, 65536)
    return line.decode()


def drive(name: int, plan: Any, out: int) -> None:
    """One program, in a process group of its own; every line of what happens goes to `out`."""
    script, rounds = plan
    os.setpgid(0, 0)
    world = World(name, script)
    start_task(world, -1, 0, [], False)
    for number, (players, answering) in enumerate(rounds):
        for task in players:
            os.write(world.go[task][1], b"g")
        for task in answering:
            line = hear(world.done[task][0])
            if line is None:
                os.write(out, f"{number} {task}: silent\nend\n".encode())
                os.killpg(0, 9)
            os.write(out, f"{number} {task}: {line}".encode())
    status = os.waitpid(guest.load64(TABLE), 0)[1]
    os.write(out, f"ended: {os.waitstatus_to_exitcode(status)}\nend\n".encode())
    os._exit(0)


def main(plans: Any, together: int) -> None:
    """All programs; or what a program has become by exec: one that exits, or goes on."""
    if sys.argv[1:2] == ["exit"]:
        os._exit(int(sys.argv[2]))
    if sys.argv[1:2] == ["resume"]:
        name, me, state, stage, step, *fds = [int(word) for word in sys.argv[3:]]
        First.state = [state]
        try:
            run_task(World(name, dict(plans)[name][0], fds), me, First.state, stage, step, sys.argv[2].split(" "))
        finally:
            os._exit(95)
    run_all(plans, together)


def run_all(plans: Any, together: int) -> None:
    """All programs, so many at a time; prints what each did under its name."""
    for start in range(0, len(plans), together):
        running = []
        for name, plan in plans[start : start + together]:
            r, w = os.pipe()
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                try:
                    drive(name, plan, w)
                except Exception as e:
                    os.write(w, f"driver: {e!r}\nend\n".encode())
                finally:
                    os._exit(96)
            os.close(w)
            running.append((name, pid, r))
        for name, pid, r in running:
            print(f"program {name}")
            text = b""
            while not text.endswith(b"end\n"):
                if not select.select([r], [], [], PATIENCE + 5)[0]:
                    os.killpg(pid, signal.SIGKILL)  # its driver was killed, for want of memory: its tasks wait for it
                    break
                more = os.read(r, 65536)
                if not more:
                    break
                text += more
            os.close(r)
            print(text.decode(), end="")
            status = os.waitpid(pid, 0)[1]
            if status:
                print(f"driver: {os.waitstatus_to_exitcode(status)}")
