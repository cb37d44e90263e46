"""A stand-in for the kernel under the emulated modules: each system call and trap is the host's own.

With it the modules of kos/stdlib can be compared with CPython's call by call, without a machine. Simulated memory is
the host's memory, by the same functions that serve kos.guest there.
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import json
import mmap
import os
import posixpath
import resource
import select
import signal
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterable
from types import ModuleType, SimpleNamespace
from typing import Any

from kos import guest, stdlib

NS = 10**9


class FakeWorld:
    """The attributes of kos.runtime.world.World that the emulated modules use."""

    def __init__(self) -> None:
        self.environ = dict(os.environ)
        self.extra: dict[str, Any] = {}
        self.at_fork: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        self.builtins = {"open": open}
        self.modules: dict[str, Any] = {}
        self.sys = sys

    def forked(self) -> None:
        """Nothing here is seeded."""


class Fork:
    def __init__(self, flags: int = 0, fn: Callable[..., Any] | None = None, args: tuple[Any, ...] = ()) -> None:
        self.flags, self.fn, self.args = flags, fn, args


class Exec:
    def __init__(self, path: str, argv: list[str], env: dict[str, str]) -> None:
        self.path, self.argv, self.env = path, argv, env


class Exit:
    def __init__(self, status: int, group: bool = True) -> None:
        self.status, self.group = status, group


def trap(what: Any) -> Any:
    if isinstance(what, Fork):
        if what.fn is None:
            return guest.vfork() if what.flags & guest.CLONE_VFORK else os.fork()
        return guest.clone(what.fn, *what.args, flags=what.flags)
    if isinstance(what, Exec):
        os.execve(what.path, what.argv, what.env)
    if isinstance(what, Exit):
        if what.group:
            os._exit(what.status >> 8)
        guest.exit_thread(what.status >> 8)
    raise AssertionError(what)


def _stat(s: os.stat_result) -> tuple[int, ...]:
    return (s.st_mode, s.st_ino, s.st_dev, s.st_nlink, s.st_uid, s.st_gid, s.st_size, s.st_atime_ns, s.st_mtime_ns,
            s.st_ctime_ns, s.st_blksize, s.st_blocks)  # fmt: skip


def _poll(asked: list[tuple[int, int]], timeout_ns: int) -> list[tuple[int, int]]:
    poller = select.poll()
    for fd, events in asked:
        poller.register(fd, events)
    return poller.poll(None if timeout_ns < 0 else timeout_ns / 1e6)


def _buffer(segment: Any) -> Any:
    return guest.load(*segment) if isinstance(segment, tuple) else segment


def _readv(fd: int, segments: list[Any], *offset: int) -> tuple[int, list[bytes | None]]:
    buffers = [bytearray(s[1] if isinstance(s, tuple) else s) for s in segments]
    total = os.preadv(fd, buffers, *offset) if offset else os.readv(fd, buffers)
    left, pieces = total, []
    for segment, buffer in zip(segments, buffers, strict=True):
        part = bytes(buffer[: max(min(left, len(buffer)), 0)])
        left -= len(buffer)
        if isinstance(segment, tuple):
            guest.store(segment[0], part)
            pieces.append(None)
        else:
            pieces.append(part)
    return total, pieces


def _sigaction(number: int, disposition: int | None) -> int:
    old = signal.getsignal(number)
    if disposition is not None:
        # What a delivered signal does is not tried here: a handled one is noted by nobody.
        signal.signal(number, (signal.SIG_DFL, signal.SIG_IGN, lambda *_: None)[disposition])
    return {signal.SIG_DFL: 0, signal.SIG_IGN: 1}.get(old, 2)


def _sigtimedwait(sigs: Iterable[int], timeout_ns: int) -> tuple[int, ...] | None:
    found = signal.sigwaitinfo(sigs) if timeout_ns < 0 else signal.sigtimedwait(sigs, timeout_ns / NS)
    return found and (found.si_signo, found.si_code, found.si_pid, found.si_uid, found.si_status)


def _itimer(call: Callable[..., Any]) -> Callable[..., tuple[int, int]]:
    def timer(which: int, *ns: int) -> tuple[int, int]:
        value, interval = call(which, *[n / NS for n in ns])
        return round(value * NS), round(interval * NS)

    return timer


def calls() -> SimpleNamespace:
    """Every system call of the table, answered by the host."""
    k = SimpleNamespace()
    for name in (
        "getpid getppid getpgid setpgid setsid getsid kill nice getpriority setpriority sched_yield sched_getaffinity"
        " sched_setaffinity closerange read write pread pwrite lseek unlink rmdir mkdir rename link symlink"
        " readlink listdir getcwd chdir fchdir ftruncate truncate isatty fsync chmod fchmod umask memfd_create"
        " pipe2 wait4 times close open writev_ access"
    ).split():
        if hasattr(os, name):
            setattr(k, name, getattr(os, name))
    for name in "mmap munmap mprotect mremap madvise mincore msync minherit brk gettid getcpu futex_wake join".split():
        setattr(k, name, getattr(guest, name))
    k.pagemap = guest.pagemap
    k.read_user, k.write_user = guest.read, guest.write
    k.open = lambda path, flags, mode: os.open(path, flags, mode)
    k.dup = lambda fd, lowest, cloexec: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC if cloexec else fcntl.F_DUPFD, lowest)
    k.dup2 = lambda old, new, cloexec: os.dup2(old, new, not cloexec)
    k.fstat = lambda fd: _stat(os.fstat(fd))
    k.stat = lambda path, follow: _stat(os.stat(path, follow_symlinks=follow))
    k.fcntl = fcntl.fcntl
    k.poll = _poll
    k.readv, k.preadv = _readv, _readv
    k.writev = lambda fd, segments: os.writev(fd, [_buffer(s) for s in segments])
    k.pwritev = lambda fd, segments, offset, append=False: os.pwritev(
        fd, [_buffer(s) for s in segments], offset, os.RWF_APPEND if append else 0
    )
    k.fallocate = os.posix_fallocate
    k.utime = lambda path, atime, mtime, follow: os.utime(path, ns=(atime, mtime), follow_symlinks=follow)
    k.chown = lambda path, uid, gid, follow: os.chown(path, uid, gid, follow_symlinks=follow)
    k.fchown, k.statfs = os.fchown, lambda: tuple(os.statvfs("/"))
    k.waitid = lambda *a: (lambda r: r and (r.si_pid, r.si_uid, r.si_signo, r.si_status, r.si_code))(os.waitid(*a))
    k.tgkill = lambda tgid, tid, number: signal.raise_signal(number)
    k.getrlimit, k.getrusage = resource.getrlimit, lambda who: tuple(resource.getrusage(who))
    k.setrlimit = lambda which, soft, hard: resource.setrlimit(which, (soft, hard))
    k.futex_wait = lambda addr, expected, ns: guest.futex_wait(addr, expected, None if ns < 0 else ns / NS)
    k.sigaction, k.sigprocmask = _sigaction, signal.pthread_sigmask
    k.sigpending, k.sigwait, k.pause, k.alarm = signal.sigpending, signal.sigwait, signal.pause, signal.alarm
    k.setitimer, k.getitimer = _itimer(signal.setitimer), _itimer(signal.getitimer)
    k.siginterrupt = signal.siginterrupt
    k.sigtimedwait = _sigtimedwait
    k.nanosleep = lambda ns: time.sleep(ns / NS)
    return k


def emulated() -> dict[str, SimpleNamespace]:
    """The emulated modules by name, over the host. For a process in which the runtime is not loaded."""
    own = FakeWorld()
    kos_module = ModuleType("_kos")
    k = calls()
    vars(kos_module).update(
        syscalls=k, trap=trap, Fork=Fork, Exec=Exec, Exit=Exit, world=SimpleNamespace(current=lambda: own)
    )
    memory = ModuleType("kos.runtime.memory")
    names = "load store load8 load16 load32 load64 store8 store16 store32 store64 fetch_add64 exchange64"
    vars(memory).update({name: getattr(guest, name) for name in [*names.split(), "compare_exchange64"]})
    vars(memory)["is_accessible"] = lambda vaddr, n, access: True
    vars(memory)["miss"] = None  # only who has looked into the TLB calls it, and nobody does here
    sys.modules["_kos"], sys.modules["kos.runtime.memory"] = kos_module, memory
    vars(importlib.import_module("kos.runtime"))["memory"] = memory  # `from kos.runtime import memory` looks here
    importlib.import_module("kos.stdlib.kernel").attach(k, lambda: own, lambda: False)
    importlib.import_module("kos.stdlib.buffers_")._memory_module = memory

    def load_part(part: str) -> dict[str, Any]:
        return vars(importlib.import_module(f"kos.stdlib.{part}"))

    out: dict[str, SimpleNamespace] = {}
    for name in stdlib.MODULES:
        names_of = stdlib.namespace(name, load_part) | stdlib.world_namespace(name, load_part, own)
        out[name] = SimpleNamespace(**names_of)
    out["os"].path = out["posixpath"]
    own.modules["os"] = out["os"]
    out["builtins"] = SimpleNamespace(**stdlib.replaced_builtins())
    return out


# --- the program: each expression of standard input, under CPython's module and under ours -----------------------


def outcome(expression: str, names: dict[str, Any]) -> list[Any]:
    """The value, or the error with all that it says; without addresses of objects."""
    try:
        found: list[Any] = ["value", repr(eval(expression, names))]
    except KeyError as e:
        found = ["KeyError", str(e)]
    except Exception as e:
        found = [type(e).__name__, str(e), repr(getattr(e, "filename", None)), getattr(e, "errno", None)]
    return [part.split(" at 0x")[0] if isinstance(part, str) else part for part in found]


def main() -> None:
    """argv[1]: a module's name. Standard input: a JSON list of expressions; output: [[ours, CPython's], ...]."""
    expressions = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w")  # 3, the only descriptor above 2
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    os.close(null)
    ours: dict[str, Any] = {**emulated(), "zlib": zlib, "struct": struct, "errno": errno}
    ours["memoryview"] = ours["builtins"].memoryview
    hosts = [os, mmap, signal, time, resource, select, fcntl, posixpath, zlib, struct, errno]
    host = {m.__name__: m for m in hosts} | {"posixpath": posixpath}
    if sys.argv[1] == "mmap":
        ours["m"], host["m"] = ours["mmap"].mmap(-1, 16), mmap.mmap(-1, 16)
    json.dump([[outcome(e, ours), outcome(e, host)] for e in expressions], out)
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
