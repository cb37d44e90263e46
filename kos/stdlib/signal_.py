"""signal: handlers written in Python, over a kernel that knows only "default", "ignored" and "handled".

The handlers themselves are objects of the process and live in its World: fork copies them, exec drops them. The kernel
decides when a handled signal is due and calls `run_handler`, which is guest code: a handler may block and may fork.
Errors and enums are CPython's (Lib/signal.py, Modules/signalmodule.c).
"""

from __future__ import annotations

import signal as _host
from collections.abc import Callable, Iterable
from errno import EAGAIN, EINVAL
from operator import index
from os import strerror
from typing import Any

from _kos import syscalls as k
from _kos import world

from kos.runtime.tracebacks_ import interrupted
from kos.stdlib import args

__all__ = [
    "alarm", "getitimer", "getsignal", "pause", "pthread_kill", "pthread_sigmask", "raise_signal", "set_wakeup_fd",
    "setitimer", "siginterrupt",
    "signal", "sigpending", "sigtimedwait", "sigwait", "sigwaitinfo",
]  # fmt: skip

_DFL, _IGN, _HANDLED = 0, 1, 2  # the kernel's dispositions
_SIG_DFL, _SIG_IGN = _host.Handlers.SIG_DFL, _host.Handlers.SIG_IGN
_SIGINT, _SIGPIPE, _SIGXFSZ = 2, 13, 25
_WAKEUP = "signal.wakeup_fd"
_F_GETFL, _O_NONBLOCK = 3, 2048
_SI_USER, _SI_TKILL = 0, -6
_GLIBC = (32, 33)  # it keeps these two for itself
_ONE_US = 1000


def start() -> None:
    """Before a program's first statement: as CPython's start, SIGPIPE and SIGXFSZ are ignored and SIGINT raises."""
    k.sigaction(_SIGPIPE, _IGN)
    k.sigaction(_SIGXFSZ, _IGN)
    handlers = _handlers()
    if k.sigaction(_SIGINT, None) == _DFL:
        k.sigaction(_SIGINT, _HANDLED)
        handlers[_SIGINT] = _host.default_int_handler


def run_handler(signum: int) -> None:
    """Call the handler of a signal that is due; nothing if the program has changed its mind meanwhile."""
    _tell_wakeup_fd(signum)
    handler = _handlers().get(signum)
    if callable(handler) and handler is not _SIG_DFL and handler is not _SIG_IGN:
        handler(signum, interrupted())


def _tell_wakeup_fd(signum: int) -> None:
    """The number of a signal that is due goes to the descriptor that was asked for; trip_signal()."""
    fd, warn = world.current().extra.get(_WAKEUP, (-1, True))
    if fd == -1:
        return
    try:
        k.write(fd, bytes((signum,)))
    except OSError as e:
        if warn or e.errno != EAGAIN:
            stream = world.current().sys.stderr
            if stream is not None:
                stream.write(f"Exception ignored when trying to write to the signal wakeup fd:\n{_named(e)}\n")


def _named(e: OSError) -> str:
    return f"{type(e).__name__}: {e}"


def _handlers() -> dict[int, Any]:
    """This process's handlers by signal number; a signal that is not there has the kernel's disposition."""
    handlers: dict[int, Any] = world.current().extra.setdefault("signal.handlers", {})
    return handlers


def _number(signalnum: Any) -> int:
    number = args.c_int(signalnum)
    if not 0 < number < 65:
        raise ValueError("signal number out of range")
    return number


def _enum(number: int) -> int:
    """Signals.X where the number has a name."""
    try:
        return _host.Signals(number)
    except ValueError:
        return number


def _current(number: int) -> Any:
    if number in _GLIBC:
        return None
    handler = _handlers().get(number)
    if handler is not None:
        return handler
    if number in (9, 19):
        return _SIG_DFL
    return _SIG_IGN if k.sigaction(number, None) == _IGN else _SIG_DFL


def signal(signalnum: Any, handler: Any) -> Any:
    number, handler = args.c_int(_as_int(signalnum)), _as_int(handler)
    own = world.current()
    if own.extra.get("guest.thread"):
        raise ValueError("signal only works in main thread of the main interpreter")
    if not 0 < number < 65:
        raise ValueError("signal number out of range")
    if number in _GLIBC:
        raise OSError(EINVAL, strerror(EINVAL))
    if isinstance(handler, int) and handler in (0, 1):
        disposition = int(handler)
        handler = _SIG_IGN if disposition else _SIG_DFL
    elif callable(handler):
        disposition = _HANDLED
    else:
        raise TypeError("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object")
    old = _current(number)
    # The handler is there before the kernel may call it, and when it no longer may the signal finds nothing to run.
    handlers = _handlers()
    before = handlers.get(number)
    handlers[number] = handler
    try:
        k.sigaction(number, disposition)
    except OSError:
        if before is None:
            del handlers[number]
        else:
            handlers[number] = before
        raise
    return old


def _as_int(value: Any) -> Any:
    """What is a number to int(), an enum's member among them, as a number (Lib/signal.py: _enum_to_int)."""
    try:
        return int(value)
    except (ValueError, TypeError):
        return value


def getsignal(signalnum: int) -> Any:
    return _current(_number(signalnum))


def raise_signal(signalnum: int, /) -> None:
    number = args.c_int(signalnum)
    k.tgkill(k.getpid(), k.gettid(), number)


def set_wakeup_fd(fd: int, /, *, warn_on_full_buffer: bool = True) -> int:
    fd = args.c_int(fd)
    own = world.current()
    if own.extra.get("guest.thread"):
        raise ValueError("set_wakeup_fd only works in main thread of the main interpreter")
    if fd != -1 and not k.fcntl(fd, _F_GETFL, 0) & _O_NONBLOCK:
        raise ValueError(f"the fd {fd} must be in non-blocking mode")
    old: int = own.extra.get(_WAKEUP, (-1, True))[0]
    own.extra[_WAKEUP] = (fd, bool(warn_on_full_buffer))
    return old


def pthread_kill(thread_id: int, signalnum: int, /) -> None:
    """thread_id: a tid, as kos.guest.gettid() gives it; there are no other numbers of threads here."""
    k.tgkill(k.getpid(), index(thread_id), args.c_int(signalnum))


def pause() -> None:
    try:
        k.pause()
    except InterruptedError:
        pass  # that is what it waits for


def siginterrupt(signalnum: int, flag: bool, /) -> None:
    signalnum, interrupts = args.c_int(signalnum), bool(args.c_int(flag))
    number = _number(signalnum)
    if number in _GLIBC:
        raise OSError(EINVAL, strerror(EINVAL))
    k.siginterrupt(number, interrupts)


# --- masks -----------------------------------------------------------------------------------------------------------


def pthread_sigmask(how: int, mask: Iterable[int], /) -> set[int]:
    how = args.c_int(how)
    wanted = args.signals(mask)
    return {_enum(number) for number in k.sigprocmask(how, wanted)}


def sigpending() -> set[int]:
    return {_enum(number) for number in k.sigpending()}


def sigwait(sigset: Iterable[int], /) -> int:
    return _enum(k.sigwait(args.signals(sigset)))


def sigwaitinfo(sigset: Iterable[int], /) -> _host.struct_siginfo:
    return _siginfo(k.sigtimedwait(args.signals(sigset), -1))


def sigtimedwait(sigset: Iterable[int], timeout: float, /) -> _host.struct_siginfo | None:
    wanted = args.signals(sigset)
    ns = args.duration_ns(timeout)
    if ns < 0:
        raise ValueError("timeout must be non-negative")
    found = k.sigtimedwait(wanted, ns)
    return None if found is None else _siginfo(found)


def _siginfo(found: tuple[int, int, int, int, int]) -> _host.struct_siginfo:
    """si_band lies where si_pid and si_uid do; the C library says SI_USER where the kernel says SI_TKILL."""
    number, code, pid, uid, status = found
    code = _SI_USER if code == _SI_TKILL else code
    return _host.struct_siginfo((number, code, 0, pid, uid, status, pid | uid << 32))


# --- timers ----------------------------------------------------------------------------------------------------------


def alarm(seconds: int, /) -> int:
    left: int = k.alarm(args.c_int(seconds) & 0xFFFFFFFF)
    return left


def _timer_ns(seconds: Any) -> int:
    """Whole microseconds, rounded up: a timer of 1e-9 is not one of 0, which would stop it."""
    ns = args.duration_ns(seconds)
    return -(-ns // _ONE_US) * _ONE_US


def _timer(call: Callable[..., tuple[int, int]], *rest: int) -> tuple[float, float]:
    try:
        value, interval = call(*rest)
        return value // _ONE_US / 1e6, interval // _ONE_US / 1e6
    except OSError as e:
        error = _host.ItimerError(e.errno, e.strerror)
    raise error


def setitimer(which: int, seconds: float, interval: float = 0.0, /) -> tuple[float, float]:
    which = args.c_int(which)
    return _timer(k.setitimer, which, _timer_ns(seconds), _timer_ns(interval))


def getitimer(which: int, /) -> tuple[float, float]:
    return _timer(k.getitimer, args.c_int(which))
