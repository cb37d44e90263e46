"""Every way to make a task: os.fork, and kos.guest's clone, vfork and rfork; and the end of what clone made.

The order around a fork is CPython's (Modules/posixmodule.c, os_fork_impl): hooks `before` from the last registered to
the first, the fork, then `after_in_parent` or `after_in_child` from the first to the last. A hook's exception is
reported and ignored. posix_spawn runs no hooks, and so is not here.
"""

from __future__ import annotations

import builtins as _builtins
import errno
import os as _host
import sys as _host_sys
from collections.abc import Callable
from operator import index
from typing import Any, NoReturn

from _kos import Exit, Fork, trap, world
from _kos import syscalls as k

from kos.guest_abi import (
    CLONE_FILES,
    CLONE_SIGHAND,
    CLONE_THREAD,
    CLONE_VFORK,
    CLONE_VM,
    RFCFDG,
    RFFDG,
    RFMEM,
    RFNOWAIT,
    RFPROC,
    THREAD,
)
from kos.stdlib import args
from kos.stdlib.guest_names import ThreadExit
from kos.stdlib.mmap_ import disown

__all__ = ["fork", "register_at_fork"]
__all_guest__ = ["clone", "exit_thread", "join", "rfork", "vfork"]

# What rfork can ask for and clone has no bit for; the kernel takes them beside Linux's.
_CLOSE_FILES, _NO_WAIT = 1 << 40, 1 << 41


def fork(*extra: object) -> int:
    args.exactly(0, "posix.fork", extra)
    if world.current().finalizing and _host_sys.version_info >= (3, 12):
        raise _FINALIZING("can't fork at interpreter shutdown")
    return _fork(0)


#: PythonFinalizationError, where there is one
_FINALIZING: type[RuntimeError] = getattr(_builtins, "PythonFinalizationError", RuntimeError)


def register_at_fork(*extra: object, **hooks: Callable[[], object]) -> None:
    if extra:
        raise TypeError("register_at_fork() takes no positional arguments")
    unknown = [key for key in hooks if key not in ("before", "after_in_parent", "after_in_child")]
    if unknown:
        raise args.unknown_keyword(unknown[0], "register_at_fork()")
    if not hooks:
        raise TypeError("At least one argument is required.")
    for key in ("before", "after_in_child", "after_in_parent"):
        if key in hooks and not callable(hooks[key]):
            raise TypeError(f"'{key}' must be callable, not {type(hooks[key]).__name__}")
    registered = world.current().at_fork
    for place, key in enumerate(("before", "after_in_parent", "after_in_child")):
        if key in hooks:
            registered[place].append(hooks[key])


def _run_hooks(hooks: list[Callable[[], object]]) -> None:
    for hook in hooks:
        try:
            hook()
        except BaseException:  # CPython: PyErr_WriteUnraisable
            _report("Exception ignored in", hook)


def _report(what: str, where: object) -> None:
    """The exception that is being handled, on the guest's stderr."""
    sys = world.current().sys
    print(f"{what}: {where!r}", file=sys.stderr)
    sys.excepthook(*_host_sys.exc_info())


def _fork(flags: int) -> int:
    """Fork with Linux's CLONE_* flags; the child returns 0 from here as well."""
    hooks = world.current().at_fork
    if hooks[0]:
        _run_hooks(hooks[0][::-1])
    try:
        pid: int = trap(Fork(flags))
    except BaseException:
        _run_hooks(world.current().at_fork[1])
        raise
    if pid:
        if hooks[1]:
            _run_hooks(hooks[1])
        return pid
    if flags & CLONE_VM:
        disown()
    own = _first_task()
    if own.at_fork[2]:
        _run_hooks(own.at_fork[2])
    return 0


def _first_task() -> Any:
    """The world of a new process: the task is its main one, even if a thread has forked it."""
    own = world.current()
    own.extra["guest.threads"] = []
    own.extra.pop("guest.thread", None)
    own.forked()
    return own


def vfork() -> int:
    return _fork(CLONE_VM | CLONE_VFORK)


def rfork(flags: int) -> int:
    """FreeBSD's rfork(2); without RFPROC it changes the caller."""
    flags = args.c_int(flags)
    if flags & ~(RFPROC | RFMEM | RFFDG | RFCFDG | RFNOWAIT) or (flags & RFFDG and flags & RFCFDG):
        raise OSError(errno.EINVAL, _host.strerror(errno.EINVAL))
    if not flags & RFPROC:
        if flags & (RFMEM | RFNOWAIT):
            raise OSError(errno.EINVAL, _host.strerror(errno.EINVAL))
        if flags & (RFFDG | RFCFDG):
            k.unshare_files(bool(flags & RFCFDG))
        return 0
    wanted = 0 if flags & (RFFDG | RFCFDG) else CLONE_FILES
    if flags & RFMEM:
        wanted |= CLONE_VM
    if flags & RFCFDG:
        wanted |= _CLOSE_FILES
    if flags & RFNOWAIT:
        wanted |= _NO_WAIT
    return _fork(wanted)


# --- tasks that begin with a function --------------------------------------------------------------------------------


_TRUTH = 1 << 52  #: added to False and True on their way through a thread's exit code: join() gives them back


def clone(fn: Callable[..., object], *args: Any, flags: int = THREAD) -> int:
    """A new task that runs fn(*args) on a copy of the caller's Python objects; its tid."""
    if (flags & CLONE_THREAD and not flags & CLONE_SIGHAND) or (flags & CLONE_SIGHAND and not flags & CLONE_VM):
        raise OSError(errno.EINVAL, _host.strerror(errno.EINVAL))
    own = world.current()
    _flush()
    if flags & CLONE_THREAD:
        _by_lines()
        tid: int = trap(Fork(flags, _run_thread, (fn, args)))
        own.extra.setdefault("guest.threads", []).append(tid)
        return tid
    if own.at_fork[0]:
        _run_hooks(own.at_fork[0][::-1])
    try:
        tid = trap(Fork(flags, _run_process, (fn, args, bool(flags & CLONE_VM))))
    finally:
        _run_hooks(own.at_fork[1])
    return tid


def _run_thread(fn: Callable[..., object], args: tuple[Any, ...]) -> NoReturn:
    """Body of a thread: ends with fn's result as the code that join() returns."""
    disown()
    own = world.current()
    own.extra["guest.thread"] = True
    own.extra["guest.threads"] = []
    code = _outcome(fn, args)
    _flush()
    if not own.extra.get("guest.thread"):
        trap(Exit(0, True))  # a process that the thread has forked, at the end of its only thread
    code = code + _TRUTH if isinstance(code, bool) else code
    trap(Exit(code << 8, False))  # not cut to a byte: join() returns it whole
    raise AssertionError("an exited thread ran on")


def _run_process(fn: Callable[..., object], args: tuple[Any, ...], shares_memory: bool) -> NoReturn:
    """Body of a process that clone made."""
    if shares_memory:
        disown()
    own = _first_task()
    _run_hooks(own.at_fork[2])
    code = _outcome(fn, args)
    _flush()
    trap(Exit((code & 0xFF) << 8, True))
    raise AssertionError("an exited process ran on")


def _outcome(fn: Callable[..., object], args: tuple[Any, ...]) -> int:
    """The exit code that fn's return or exception means; a traceback goes to stderr, as from a program."""
    try:
        result: object = fn(*args)
    except ThreadExit as end:
        result = end.args[0]
    except SystemExit as end:
        result = end.code
        if result is not None and not isinstance(result, int):
            print(result, file=world.current().sys.stderr)
            result = 1
    except BaseException:
        world.current().sys.excepthook(*_host_sys.exc_info())
        result = 1
    return result if isinstance(result, int) else 0


def _flush() -> None:
    """What the task's copies of the streams still hold is written by the task itself: they end with it."""
    sys = world.current().sys
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # as at a program's end: a stream that is closed or broken loses it


def _by_lines() -> None:
    """Threads of one program on the host share its streams; here each has a copy. So whole lines go out at once, in
    the order in which they were printed, and nothing is left in a buffer to be written twice."""
    reconfigure = getattr(world.current().sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)


def join(tid: int) -> int:
    """Wait for a thread of this process; its exit code."""
    code: int = k.join(min(max(index(tid), -1), args.INT_MAX))  # beyond any task's number is no task's
    own = world.current().extra.get("guest.threads", [])
    if tid in own:
        own.remove(tid)
    return bool(code - _TRUTH) if code in (_TRUTH, _TRUTH + 1) else code


def exit_thread(code: int = 0) -> NoReturn:
    """End the calling task alone; for a process's first thread: when its other threads have ended."""
    own = world.current().extra
    if own.get("guest.thread"):
        raise ThreadExit(code)
    for tid in own.get("guest.threads", []):
        try:
            k.join(tid)
        except OSError:
            pass  # joined already, by another thread
    raise SystemExit(code)
