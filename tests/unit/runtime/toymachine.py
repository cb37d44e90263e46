"""A kernel of a hundred lines that runs guests in one process: what the runtime's tests need of a machine.

Each process is a generator and a world. A fork is a snapshot, as in the real machine: the child is loaded from bytes.
Pipes and a console are in memory; files are the host's.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kos import stdlib, traps
from kos.runtime import (
    frames,
    hooks,
    importer,
    kernelcall,
    libraries,
    library,
    program,
    pyio,
    snapshot,
    templates,
)
from kos.runtime import world as worlds
from kos.runtime.freeze import reference

trap = kernelcall.trap


class Pipe:
    """Bytes on their way, and how many ends are open."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.ends = {"r": 1, "w": 1}


@dataclass
class Process:
    """One toy process."""

    pid: int
    parent: int
    gen: Any
    world: Any
    fds: dict[int, Any]
    value: Any = None
    error: BaseException | None = None
    status: int | None = None
    reaped: bool = False


@dataclass
class Kernel:
    """All processes of a run."""

    processes: dict[int, Process] = field(default_factory=dict)
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    now: Process | None = None
    next_pid: int = 2
    sizes: list[int] = field(default_factory=list)

    # -- what the toy's os calls ------------------------------------------------------------------------------

    def world(self) -> Any:
        return worlds.current()

    def pid(self) -> int:
        return self.me.pid

    def ppid(self) -> int:
        return self.me.parent

    @property
    def me(self) -> Process:
        assert self.now is not None
        return self.now

    def exit(self, status: int) -> None:
        self.me.status = (status & 255) << 8

    def try_wait(self, pid: int) -> Any:
        children = [p for p in self.processes.values() if p.parent == self.me.pid and not p.reaped]
        if pid > 0:
            children = [p for p in children if p.pid == pid]
        if not children:
            raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))
        for child in children:
            if child.status is not None and child.gen is None:
                child.reaped = True
                return child.pid, child.status
        return None

    def _new_fd(self, what: Any) -> int:
        fd = next(n for n in range(1000) if n not in self.me.fds)
        self.me.fds[fd] = what
        return fd

    def _get(self, fd: int) -> Any:
        if fd not in self.me.fds:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self.me.fds[fd]

    def pipe(self, nonblocking: bool) -> tuple[int, int]:
        pipe = Pipe()
        return self._new_fd((pipe, "r", nonblocking)), self._new_fd((pipe, "w", nonblocking))

    def try_read(self, fd: int, n: int) -> bytes | None:
        what = self._get(fd)
        if isinstance(what, int):
            return os.read(what, n)
        pipe, _, nonblocking = what
        if n == 0:
            return b""
        if pipe.data:
            data = bytes(pipe.data[:n])
            del pipe.data[:n]
            return data
        if not pipe.ends["w"]:
            return b""
        if nonblocking:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return None

    def write(self, fd: int, data: bytes) -> int:
        what = self._get(fd)
        if isinstance(what, int):
            return os.write(what, data)
        if what in ("out", "err"):
            (self.out if what == "out" else self.err).extend(data)
        else:
            what[0].data.extend(data)
        return len(data)

    def close(self, fd: int) -> None:
        what = self._get(fd)
        del self.me.fds[fd]
        if isinstance(what, tuple):
            what[0].ends[what[1]] -= 1

    def dup(self, fd: int) -> int:
        return self._new_fd(self._share(self._get(fd)))

    def dup2(self, fd: int, other: int) -> int:
        what = self._get(fd)
        if other in self.me.fds:
            self.close(other)
        self.me.fds[other] = self._share(what)
        return other

    def _share(self, what: Any) -> Any:
        if isinstance(what, tuple):
            what[0].ends[what[1]] += 1
        return what

    def open(self, path: Any, flags: int, mode: int) -> int:
        return self._new_fd(os.open(path, flags, mode))

    def lseek(self, fd: int, at: int, whence: int) -> int:
        what = self._get(fd)
        if not isinstance(what, int):
            raise OSError(errno.ESPIPE, os.strerror(errno.ESPIPE))
        return os.lseek(what, at, whence)

    def fstat(self, fd: int) -> Any:
        what = self._get(fd)
        return (
            os.fstat(what) if isinstance(what, int) else SimpleNamespace(st_mode=0o010600, st_blksize=4096, st_size=0)
        )

    def ftruncate(self, fd: int, size: int) -> None:
        os.ftruncate(self._get(fd), size)

    # -- running ----------------------------------------------------------------------------------------------

    def start(self, path: str, argv: list[str]) -> Process:
        gen, world = program.start(path, [path, *argv], {})
        process = Process(self.next_pid, 1, gen, world, {0: os.open("/dev/null", os.O_RDONLY), 1: "out", 2: "err"})
        self.next_pid += 1
        self.processes[process.pid] = process
        return process

    def step(self, process: Process) -> None:
        """Let a process run to its next trap, and serve that."""
        was, self.now = self.now, process
        worlds.switch_to(process.world)
        try:
            error, value = process.error, process.value
            process.error = process.value = None
            request = process.gen.throw(error) if error is not None else process.gen.send(value)
            self.serve(process, request)
        finally:
            self.now = was
            worlds.switch_to(was.world if was is not None else None)

    def serve(self, process: Process, request: Any) -> None:
        if request == "fork":
            try:
                blob = snapshot.dumps(frames.capture(process.gen), process.world)
            except TypeError as error:
                process.error = error
                return
            self.sizes.append(len(blob))
            saved, world, _ = snapshot.loads(blob)
            child = Process(self.next_pid, process.pid, frames.rebuild(saved), world, dict(process.fds), 0)
            for what in child.fds.values():
                self._share(what)
            self.next_pid += 1
            self.processes[child.pid] = child
            process.value = child.pid
            worlds.switch_to(world)
            assert child.gen.send(None) is traps.LANDED
        elif request == "exit" or isinstance(request, traps.Exit):
            if isinstance(request, traps.Exit):
                process.status = request.status
            for fd in list(process.fds):
                self.close(fd)
            with hooks.dead():
                process.gen = process.world = None
                self.now = None
        elif request is traps.RESCHED:
            process.value = None
        else:
            assert request == "block", request

    def suspend(self, request: Any) -> Any:
        """A trap from under C code: others run until it is worth trying again."""
        for process in list(self.processes.values()):
            if process is not self.now and process.gen is not None and not process.gen.gi_running:
                self.step(process)
        return None

    def run(self, path: str, argv: list[str], most_steps: int = 100_000) -> Process:
        first = self.start(path, argv)
        for _ in range(most_steps):
            alive = [p for p in self.processes.values() if p.gen is not None]
            if not alive:
                return first
            for process in alive:
                if process.gen is not None:
                    self.step(process)
        raise AssertionError("the toy machine does not come to an end")


class _Now:
    """The kernel of the run that is going on."""

    current: Kernel

    def __getattr__(self, name: str) -> Any:
        return getattr(self.current, name)


kernel: Any = _Now()


def _make_os() -> dict[str, Any]:
    own = {k: v for k, v in library.namespace("toy_os").items() if not k.startswith("__")}
    reference.note_shared("toy_os", library.namespace("toy_os"))
    return {**vars(os), **own, "__name__": "os"}


def install() -> None:
    """Prepare the runtime of this process for the toy machine: no other machine can run in it afterwards."""
    sys.modules["toymachine"] = sys.modules[__name__]
    names = {name: getattr(traps, name) for name in ("Exit", "Fork", "Exec", "Wait")}
    libraries.provided["_kos"] = SimpleNamespace(  # type: ignore[assignment]  # stands for a module
        trap=trap, world=worlds, syscalls=SimpleNamespace(), start_signals=lambda: None, **names
    )
    found: dict[str, Any] = library.load(Path(__file__).with_name("toy_os.py"), "toy_os")
    library._modules["toy_os"] = found
    inner: Callable[[str], Any] = libraries.load
    reference.set_shared_loader(lambda name: found if name == "toy_os" else inner(name))
    stdlib.MODULES.clear()
    stdlib.ALIASES.clear()
    templates.add("os", _make_os)
    for name in ("time", "signal", "posixpath"):
        templates.add(name, partial(dict, vars(import_module(name))))
    importer.read_file = read_file
    program.install()
    pyio.calls = lambda: templates.namespace("os")


def read_file(path: str) -> tuple[str, str] | None:
    """Guests' sources are the host's files."""
    try:
        return Path(path).read_text(), path
    except OSError:
        return None


def run(path: str, *argv: str) -> dict[str, Any]:
    """Run a program and all that it forks to their end: what it printed, its status, the sizes of its snapshots."""
    _Now.current = own = Kernel()
    hooks.suspend = own.suspend
    first = own.run(path, list(argv))
    return {"stdout": own.out.decode(), "stderr": own.err.decode(), "status": first.status, "sizes": own.sizes}


def main() -> None:
    """One request a line, [path, argument, ...], one answer a line."""
    install()
    for line in sys.stdin:
        try:
            answer = run(*json.loads(line))
        except BaseException:
            answer = {"stdout": "", "stderr": "toy machine: " + traceback.format_exc(), "status": None, "sizes": []}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
