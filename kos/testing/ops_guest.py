"""The guest program that does what a plan of kos/testing/ops_model.py says. Source text: run_all(PLANS) is appended.

A driver starts task 0, and lets the tasks of each round go by a byte in a pipe of each; a task answers with one line
in another pipe. So no output depends on who was faster. Tasks find their pages at fixed addresses.
"""

from __future__ import annotations

import errno
import os
import select
import sys
import zlib
from typing import Any

from kos import guest as _guest

guest: Any = _guest  # its numbers come by `*`, which type checkers do not see through
PAGE = guest.PAGE_SIZE
ARENA, PAGES = 0x1000_0000_0000, 16
TABLE = 0x1001_0000_0000  #: a shared page: pid of each task, then tid of each thread
SCRATCH = 0x1002_0000_0000  #: where a task is busy until it is killed
NR_TASKS, FILE_PAGES = 8, 4
ADVICE = (guest.MADV_DONTNEED, guest.MADV_DONTFORK, guest.MADV_DOFORK, guest.MADV_WIPEONFORK, guest.MADV_KEEPONFORK)
RW, PRIVATE = guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
PATIENCE = 25.0  # seconds after which a task is called silent

Pipe = tuple[int, int]


class World:
    """What the tasks of one program have in common: descriptors, and the plan."""

    def __init__(self, script: list[Any]) -> None:
        self.script = script
        self.go: list[Pipe] = [os.pipe() for _ in range(NR_TASKS)]
        self.done: list[Pipe] = [os.pipe() for _ in range(NR_TASKS)]
        self.own: list[Pipe] = [os.pipe() for _ in range(NR_TASKS)]
        self.data: list[Pipe] = [os.pipe() for _ in range(2)]
        self.file = os.memfd_create("random")
        os.ftruncate(self.file, FILE_PAGES * PAGE)
        guest.mmap(TABLE, PAGE, RW, guest.MAP_SHARED | guest.MAP_ANONYMOUS | guest.MAP_FIXED)


def look(world: World, me: int) -> str:
    """Checksum of every page, read by the kernel: `-` where it cannot be read."""
    words = []
    r, w = world.own[me]
    for page in range(PAGES):
        try:
            guest.write(w, ARENA + page * PAGE, PAGE)
            words.append(f"{zlib.crc32(os.read(r, PAGE)):x}")
        except OSError as e:
            words.append("-" if e.errno == errno.EFAULT else errno.errorcode[e.errno or 0])
    return ",".join(words)


def be_busy(me: int) -> None:
    """Until a signal ends it: map, touch, protect, unmap, fork."""
    base = SCRATCH + me * 0x10_0000
    while True:
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
            run_task(world, child, list(state))
        finally:
            os._exit(98)
    guest.store64(TABLE + 8 * child, pid)


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
    at = ARENA + a[0] * PAGE if a else 0
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
    elif name == "send":
        return str(guest.write(world.data[a[0]][1], ARENA + a[1] * PAGE, a[2]))
    elif name == "receive":
        return str(guest.read(world.data[a[0]][0], ARENA + a[1] * PAGE + a[2], a[3]))
    elif name == "file_write":
        return str(os.pwrite(world.file, bytes([a[1]]) * PAGE, a[0] * PAGE))
    elif name == "file_read":
        return f"{zlib.crc32(os.pread(world.file, PAGE, a[0] * PAGE)):x}"
    elif name == "truncate":
        os.ftruncate(world.file, a[0] * PAGE)
    elif name in ("fork", "clone"):
        start_task(world, me, a[0], state, name == "clone")
    elif name == "kill":
        os.kill(guest.load64(TABLE + 8 * a[0]), a[1])
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
        return f"{look(world, me)} {sum(state)}"
    elif name == "spin":
        be_busy(me)
    return None


def run_task(world: World, me: int, state: list[int]) -> None:
    """Round after round of this task's part; the model says how it ends."""
    for ops in world.script[me]:
        os.read(world.go[me][0], 1)
        words: list[str] = []
        for op in ops:
            if op[0] == "report":  # the next operation ends this task
                os.write(world.done[me][1], (" ".join(words) + "\n").encode())
                continue
            try:
                word = act(world, me, state, op)
            except OSError as e:
                word = errno.errorcode[e.errno or 0]
            words.append(op[0] if word is None else f"{op[0]}={word}")
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


def drive(plan: Any, out: int) -> None:
    """One program, in a process group of its own; every line of what happens goes to `out`."""
    script, rounds = plan
    os.setpgid(0, 0)
    world = World(script)
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
                    drive(plan, w)
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
                more = os.read(r, 65536)
                if not more:
                    break
                text += more
            os.close(r)
            print(text.decode(), end="")
            status = os.waitpid(pid, 0)[1]
            if status:
                print(f"driver: {os.waitstatus_to_exitcode(status)}")
