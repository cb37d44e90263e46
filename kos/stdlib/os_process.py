"""os: who I am, whom I wait for, whom I signal, where and when I run.

Calls without arguments are the system calls themselves: a function around them would cost a frame.
"""

from __future__ import annotations

import os as _host
import resource as _resource
import sys as _sys
from collections.abc import Iterable
from typing import Any, NoReturn

from _kos import Exit, trap
from _kos import syscalls as k

from kos.stdlib import args
from kos.stdlib.kernel import cpu_count

__all__ = [
    "_exit", "abort", "cpu_count", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getsid", "kill",
    "killpg", "nice", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
    "sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_yield", "setpgid", "setpgrp", "setpriority",
    "setsid", "sysconf", "times", "wait", "wait3", "wait4", "waitid", "waitpid",
]  # fmt: skip

getpid = k.getpid
getppid = k.getppid
sched_yield = k.sched_yield

_SIGABRT, _SIG_UNBLOCK = 6, 1


def _exit(status: int) -> NoReturn:
    trap(Exit((args.c_int(status) & 0xFF) << 8, True))
    raise AssertionError("an exited task ran on")


def abort() -> NoReturn:
    # abort(3): a handler may run once, and then, or if it was blocked or ignored, the default action. CPython's
    # handlers only note the signal, and there is no later moment: so the handler written in Python never runs.
    k.sigaction(_SIGABRT, 0)
    k.sigprocmask(_SIG_UNBLOCK, frozenset((_SIGABRT,)))
    k.tgkill(k.getpid(), k.gettid(), _SIGABRT)
    raise AssertionError("an aborted task ran on")


# --- waiting ---------------------------------------------------------------------------------------------------------


def wait() -> tuple[int, int]:
    pid, status, _ = k.wait4(-1, 0)
    return pid, status


def waitpid(pid: int, options: int, /) -> tuple[int, int]:
    pid, status, _ = k.wait4(args.parsed_int(pid), args.parsed_int(options))
    return pid, status


def wait3(options: int) -> tuple[int, int, _resource.struct_rusage]:
    pid, status, usage = k.wait4(-1, args.c_int(options))
    return pid, status, _resource.struct_rusage(usage)


def wait4(pid: int, options: int) -> tuple[int, int, _resource.struct_rusage]:
    pid, status, usage = k.wait4(args.parsed_int(pid), args.parsed_int(options))
    return pid, status, _resource.struct_rusage(usage)


def waitid(idtype: int, id: int, options: int, /) -> _host.waitid_result | None:  # CPython's name
    info = k.waitid(args.parsed_int(idtype), args.parsed_int(id), args.parsed_int(options))
    return None if info is None else _host.waitid_result(info)


# --- groups, signals, priorities -------------------------------------------------------------------------------------


def kill(pid: int, signal: int, /) -> None:
    k.kill(args.parsed_int(pid), args.c_truncated(signal))


def killpg(pgid: int, signal: int, /) -> None:
    pgid = args.parsed_int(pgid)
    if pgid < 0:
        raise OSError(22, _host.strerror(22))
    k.kill(-pgid, args.parsed_int(signal))


def getpgid(pid: int) -> int:
    pgid: int = k.getpgid(args.parsed_int(pid))
    return pgid


def getpgrp() -> int:
    pgid: int = k.getpgid(0)
    return pgid


def setpgid(pid: int, pgrp: int, /) -> None:
    k.setpgid(args.parsed_int(pid), args.parsed_int(pgrp))


def setpgrp() -> None:
    k.setpgid(0, 0)


def setsid() -> None:
    k.setsid()


def getsid(pid: int, /) -> int:
    sid: int = k.getsid(args.parsed_int(pid))
    return sid


def nice(increment: int, /) -> int:
    value: int = k.nice(args.c_int(increment))
    return value


def getpriority(which: int, who: int) -> int:
    value: int = k.getpriority(args.c_int(which), args.c_int(who))
    return value


def setpriority(which: int, who: int, priority: int) -> None:
    k.setpriority(args.c_int(which), args.c_int(who), args.c_int(priority))


# --- CPUs and times --------------------------------------------------------------------------------------------------


def sched_getaffinity(pid: int, /) -> set[int]:
    return set(k.sched_getaffinity(args.parsed_int(pid)))


def sched_setaffinity(pid: int, mask: Iterable[int], /) -> None:
    pid = args.parsed_int(pid)
    k.sched_setaffinity(pid, args.cpus(mask))


def sched_getscheduler(pid: int, /) -> int:
    """There is the one class of policies."""
    k.getpriority(_host.PRIO_PROCESS, args.parsed_int(pid))
    return _host.SCHED_OTHER


def sched_rr_get_interval(pid: int, /) -> float:
    """The length of a time slice in seconds."""
    k.getpriority(_host.PRIO_PROCESS, args.parsed_int(pid))
    return 0.02


def sched_getparam(pid: int, /) -> _host.sched_param:
    k.getpriority(_host.PRIO_PROCESS, args.parsed_int(pid))
    return _host.sched_param(0)


def sched_setscheduler(pid: int, policy: int, param: _host.sched_param, /) -> None:
    _set_policy(args.parsed_int(pid), args.parsed_int(policy), param)


def sched_setparam(pid: int, param: _host.sched_param, /) -> None:
    _set_policy(args.parsed_int(pid), _host.SCHED_OTHER, param)


def _set_policy(pid: int, policy: int, param: _host.sched_param) -> None:
    """The one class that there is has one priority; the real-time classes are nobody's."""
    if not isinstance(param, _host.sched_param):
        raise TypeError("must have a sched_param object")
    priority = args.c_int(param.sched_priority)
    if policy & ~_host.SCHED_RESET_ON_FORK not in range(7):
        raise OSError(22, _host.strerror(22))
    k.getpriority(_host.PRIO_PROCESS, pid)
    is_real_time = policy & ~_host.SCHED_RESET_ON_FORK in (_host.SCHED_FIFO, _host.SCHED_RR)
    if is_real_time != bool(priority) or not 0 <= priority <= 99:
        raise OSError(22, _host.strerror(22))
    if is_real_time:
        raise OSError(1, _host.strerror(1))


if _sys.version_info >= (3, 13):
    __all__ += ["process_cpu_count"]

    def process_cpu_count() -> int:
        return len(sched_getaffinity(0))


def times() -> _host.times_result:
    return _host.times_result(k.times())


def sysconf(name: Any, /) -> int:
    number = _host.sysconf_names.get(name, name) if isinstance(name, str) else name
    if number in _CPUS:
        return cpu_count()
    if number in _MEMORY:
        return k.memory_pages()[_MEMORY.index(number)]
    if number in _LIMITS:
        return k.getrlimit(_LIMITS[number])[0]
    if number == _ARG_MAX:  # glibc: a quarter of what the stack may have
        stack = k.getrlimit(3)[0]
        return max(131072, stack // 4 if stack >= 0 else (1 << 62) - 1)
    return _host.sysconf(name)


def _numbers(*names: str) -> list[int]:
    return [_host.sysconf_names["SC_" + name] for name in names]


_CPUS = _numbers("NPROCESSORS_ONLN", "NPROCESSORS_CONF")
_MEMORY = _numbers("PHYS_PAGES", "AVPHYS_PAGES")
_LIMITS = dict(zip(_numbers("OPEN_MAX", "CHILD_MAX"), (7, 6), strict=True))  #: RLIMIT_NOFILE, RLIMIT_NPROC
(_ARG_MAX,) = _numbers("ARG_MAX")
