"""time: sleep, and the clocks of CPU time. The other clocks are the host's own: kos runs in real time."""

from __future__ import annotations

import time as _host
from typing import Any

from _kos import syscalls as k

from kos.stdlib import args

__all__ = [
    "clock_getres", "clock_gettime", "clock_gettime_ns", "process_time", "process_time_ns", "sleep", "thread_time",
    "thread_time_ns",
]  # fmt: skip

_RUSAGE_SELF, _RUSAGE_THREAD = 0, 1


def sleep(secs: Any, /) -> None:
    ns = args.duration_ns(secs)
    if ns < 0:
        raise ValueError("sleep length must be non-negative")
    k.nanosleep(ns)


def _cpu_ns(who: int) -> int:
    usage = k.getrusage(who)
    return round((usage[0] + usage[1]) * args.NS)


def process_time_ns() -> int:
    return _cpu_ns(_RUSAGE_SELF)


def process_time() -> float:
    return _cpu_ns(_RUSAGE_SELF) / args.NS


def thread_time_ns() -> int:
    return _cpu_ns(_RUSAGE_THREAD)


def thread_time() -> float:
    return _cpu_ns(_RUSAGE_THREAD) / args.NS


def clock_gettime_ns(clk_id: int, /) -> int:
    clk_id = args.c_int(clk_id)
    if clk_id == _host.CLOCK_PROCESS_CPUTIME_ID:
        return _cpu_ns(_RUSAGE_SELF)
    if clk_id == _host.CLOCK_THREAD_CPUTIME_ID:
        return _cpu_ns(_RUSAGE_THREAD)
    return _host.clock_gettime_ns(clk_id)


def clock_gettime(clk_id: int, /) -> float:
    return clock_gettime_ns(clk_id) / args.NS


def clock_getres(clk_id: int, /) -> float:
    return _host.clock_getres(args.c_int(clk_id))
