"""kos.guest on the host, tasks: threads by the interpreter's own, processes by fork or by clone(2) with flags."""

from __future__ import annotations

import copy
import ctypes
import errno
import fcntl
import os
import signal
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from kos.guest_abi import (
    CLONE_FILES,
    CLONE_FS,
    CLONE_PARENT,
    CLONE_SIGHAND,
    CLONE_THREAD,
    CLONE_VFORK,
    CLONE_VM,
    MAP_PRIVATE,
    RFCFDG,
    RFFDG,
    RFMEM,
    RFNOWAIT,
    RFPROC,
    THREAD,
)
from kos.platform.script.areas import ForkState, areas, convert, lend
from kos.platform.script.libc import NR_CLONE, c_i64, c_int, c_u64, declare, done, fail

_CHILD_CLEARTID, _CHILD_SETTID = 0x00200000, 0x01000000
_HIGH_FD = 700  #: descriptors of our own stay out of the way of a guest's
_unshare = declare("unshare", c_int, c_int)
_clone_raw = declare("syscall", c_i64, c_i64, *[c_u64] * 6, holding=True)

getcpu = declare("sched_getcpu", c_int)
gettid = threading.get_native_id


class _ThreadExit(BaseException):
    """exit_thread on its way out of a thread's function."""


class _Thread:
    """A joinable thread: its Python thread, and the exit code that it leaves."""

    def __init__(self, fn: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.code = 0
        self.python = threading.Thread(target=self._body, args=(fn, args), daemon=True)

    def _body(self, fn: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.code = _outcome(fn, args)


_threads: dict[int, _Thread] = {}  #: by tid, until joined
os.register_at_fork(after_in_child=_threads.clear)


def _outcome(fn: Callable[..., object], args: tuple[Any, ...]) -> int:
    """The exit code that fn's return or exception means; a traceback goes to stderr, as from a program."""
    try:
        result: object = fn(*args)
    except _ThreadExit as end:
        result = end.args[0]
    except SystemExit as end:
        result = end.code
        if result is not None and not isinstance(result, int):
            print(result, file=sys.stderr)
            result = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        result = 1
    return result if isinstance(result, int) else 0


def join(tid: int) -> int:
    """Wait for a thread of this process; its exit code, for each of those that wait when it ends."""
    thread = _threads.get(tid)
    if thread is None:
        fail(errno.ESRCH)
    if thread.python is threading.current_thread():
        fail(errno.EDEADLK)
    thread.python.join()
    _threads.pop(tid, None)
    return thread.code


def exit_thread(code: int = 0) -> NoReturn:
    """End the calling thread alone; for the first thread: when the others have ended."""
    if threading.current_thread() is not threading.main_thread():
        raise _ThreadExit(code)
    for thread in list(_threads.values()):
        thread.python.join()
    raise SystemExit(code)


def clone(fn: Callable[..., object], *args: Any, flags: int = THREAD) -> int:
    """A new task that runs fn(*args); its tid."""
    if (flags & CLONE_THREAD and not flags & CLONE_SIGHAND) or (flags & CLONE_SIGHAND and not flags & CLONE_VM):
        fail(errno.EINVAL)
    if flags & CLONE_THREAD:
        return _start_thread(fn, args, flags)
    if flags & CLONE_SIGHAND:
        raise NotImplementedError("clone on the host: CLONE_SIGHAND without CLONE_THREAD")
    extra = flags & (CLONE_FILES | CLONE_FS | CLONE_PARENT)
    sys.stdout.flush()
    if flags & CLONE_VFORK:
        pid = _fork_and_wait(extra, bool(flags & CLONE_VM))
    else:
        pid = _fork_sharing(extra) if flags & CLONE_VM else _fork(extra)
    if pid:
        return pid
    code = _outcome(fn, args)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # as at a program's end: a stream that is closed or broken loses what it holds
    os._exit(code & 0xFF)


def _start_thread(fn: Callable[..., object], args: tuple[Any, ...], flags: int) -> int:
    if flags & THREAD != THREAD:
        raise NotImplementedError("clone on the host: a thread that shares less than guest.THREAD")
    try:
        args = copy.deepcopy(args)
    except Exception:
        pass  # what cannot be copied (an mmap) is shared
    thread = _Thread(fn, args)
    try:
        thread.python.start()
    except RuntimeError:
        fail(errno.EAGAIN)
    tid = thread.python.native_id
    assert tid is not None
    _threads[tid] = thread
    if flags & CLONE_VFORK:
        thread.python.join()
    return tid


# --- processes -------------------------------------------------------------------------------------------------------


def _tid_in_glibc() -> int:
    """Where glibc keeps the calling thread's tid, which fork renews and a raw clone has to; 0 if not found."""
    me, tid = declare("pthread_self", c_u64)(), threading.get_native_id()
    hits = [at for at in range(me + 0x200, me + 0x400, 4) if ctypes.c_int.from_address(at).value == tid]
    return int(hits[0]) if len(hits) == 1 else 0


def _fork(flags: int) -> int:
    """os.fork, with flags for clone(2): the interpreter's own preparations around the raw system call."""
    if not flags:
        return os.fork()
    slot = _tid_in_glibc()
    if slot:
        flags |= _CHILD_SETTID | _CHILD_CLEARTID
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = int(_clone_raw(NR_CLONE, flags | signal.SIGCHLD, 0, 0, slot, 0, 0))
    number = ctypes.get_errno()
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        fail(number)
    return pid


for _hook in ("PyOS_BeforeFork", "PyOS_AfterFork_Child", "PyOS_AfterFork_Parent"):
    getattr(ctypes.pythonapi, _hook).restype = None


def _fork_sharing(flags: int) -> int:
    """Fork a process that shares the memory mapped through kos.guest."""
    lend()
    ForkState.sharing = True
    try:
        return _fork(flags)
    finally:
        ForkState.sharing = False


def _fork_and_wait(flags: int, sharing: bool) -> int:
    """Fork, and wait for the child's exec or end: a pipe whose other end only the child has is closed by either."""
    if flags & CLONE_FILES:
        raise NotImplementedError("clone on the host: CLONE_VFORK with CLONE_FILES")
    ends = os.pipe()
    reading, writing = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH_FD) for fd in ends)
    os.close(ends[0])
    os.close(ends[1])
    lent = lend() if sharing else []
    ForkState.sharing = sharing
    pid = -1
    try:
        pid = _fork(flags)
    finally:
        ForkState.sharing = False
        if pid == 0:
            os.close(reading)
            ForkState.vfork_fds.append(writing)
        else:
            os.close(writing)
            if pid > 0:
                os.read(reading, 1)
            os.close(reading)
            for area in lent:
                convert(area, MAP_PRIVATE)
                areas.add(area.start, area.end - area.start, "private", area.inherit)
    return pid


def vfork() -> int:
    """vfork(2): the parent goes on when the child execs or ends; until then the two share memory."""
    return _fork_and_wait(0, True)


def _close_all() -> None:
    """What RFCFDG asks for: no descriptor is left, but those that wake a vfork's parent."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in ForkState.vfork_fds:
            try:
                os.close(int(name))
            except OSError:
                pass  # listdir's own


def rfork(flags: int) -> int:
    """FreeBSD's rfork(2); without RFPROC it changes the caller."""
    if flags & ~(RFPROC | RFMEM | RFFDG | RFCFDG | RFNOWAIT) or (flags & RFFDG and flags & RFCFDG):
        fail(errno.EINVAL)
    if not flags & RFPROC:
        if flags & (RFMEM | RFNOWAIT):
            fail(errno.EINVAL)
        if flags & (RFFDG | RFCFDG):
            done(_unshare(CLONE_FILES))
        if flags & RFCFDG:
            _close_all()
        return 0
    extra = 0 if flags & (RFFDG | RFCFDG) else CLONE_FILES
    fork = _fork_sharing if flags & RFMEM else _fork
    pid = _fork_orphan(fork, extra) if flags & RFNOWAIT else fork(extra)
    if pid == 0 and flags & RFCFDG:
        _close_all()
    return pid


def _fork_orphan(fork: Callable[[int], int], flags: int) -> int:
    """A child that is init's at once: the child of a child that ends. It runs when its parent is gone."""
    if flags:
        raise NotImplementedError("rfork on the host: RFNOWAIT with a shared descriptor table")
    reading, writing = os.pipe()
    between = fork(0)
    if between:
        os.close(writing)
        os.waitpid(between, 0)
        data = os.read(reading, 8)
        os.close(reading)
        if len(data) != 8:
            fail(errno.EAGAIN)
        return int(struct.unpack("q", data)[0])
    mine = os.getpid()
    pid = fork(0)
    if pid:
        os.write(writing, struct.pack("q", pid))
        os._exit(0)
    os.close(reading)
    os.close(writing)
    while os.getppid() == mine:
        os.sched_yield()
    return 0
