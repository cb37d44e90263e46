"""Resource limits of a process: soft and hard, inherited by fork, kept by exec. Linux: kernel/sys.c."""

from __future__ import annotations

import errno
from collections.abc import Callable

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.mm.limits import Limits
from kos.sched.structs import (
    NR_RLIMITS,
    RLIM_INFINITY,
    Process,
    Task,
    machine,
    process_of,
    processes,
    signal_lock,
    tasklist_lock,
)

CPU, FSIZE, DATA, STACK, CORE, RSS, NPROC, NOFILE = range(8)
MEMLOCK, AS, LOCKS, SIGPENDING, MSGQUEUE, NICE, RTPRIO, RTTIME = range(8, 16)
NR_OPEN = 1 << 20  #: highest hard limit of NOFILE (Linux: sysctl fs.nr_open)

_DEFAULTS = {  #: (soft, hard); everything else is unlimited. Linux: INIT_RLIMITS
    STACK: (8 << 20, RLIM_INFINITY),
    CORE: (0, RLIM_INFINITY),
    NOFILE: (1024, 1 << 20),
    MSGQUEUE: (819200, 819200),
    NICE: (0, 0),
    RTPRIO: (0, 0),
    MEMLOCK: (8 << 20, 8 << 20),
}


def set_defaults(process: Process) -> None:
    """The limits that init has, and so everybody who does not ask for others."""
    for res in range(NR_RLIMITS):
        soft, hard = _DEFAULTS.get(res, (RLIM_INFINITY, RLIM_INFINITY))
        process.rlimits[2 * res] = soft
        process.rlimits[2 * res + 1] = hard


def soft(process: Process, res: int) -> int:
    """The soft limit; RLIM_INFINITY = none."""
    return int(process.rlimits[2 * res])


def nofile() -> int:
    """Descriptors that the current process may have."""
    return min(soft(process_of(this.task), NOFILE), NR_OPEN)


def memory_limits() -> Limits:
    """What memory management asks: the current process's soft limits in bytes, -1 = none."""
    if this.task is None:
        return Limits()
    process = process_of(this.task)
    return Limits(*(-1 if (v := soft(process, r)) == RLIM_INFINITY else v for r in (AS, DATA, STACK)))


def getrlimit(process: Process, res: int) -> tuple[int, int]:
    """(soft, hard), -1 for no limit."""
    if not 0 <= res < NR_RLIMITS:
        raise GuestFault(errno.EINVAL)
    low, high = int(process.rlimits[2 * res]), int(process.rlimits[2 * res + 1])
    return (-1 if low == RLIM_INFINITY else low, -1 if high == RLIM_INFINITY else high)


def setrlimit(process: Process, res: int, low: int, high: int) -> None:
    """Set both; -1 = no limit. EINVAL for soft above hard, EPERM to raise the hard limit without the right to it."""
    if not 0 <= res < NR_RLIMITS:
        raise GuestFault(errno.EINVAL)
    low = RLIM_INFINITY if low < 0 else low
    high = RLIM_INFINITY if high < 0 else high
    if low > high:
        raise GuestFault(errno.EINVAL)
    if res == NOFILE and high > NR_OPEN:
        raise GuestFault(errno.EPERM)
    with tasklist_lock:
        if high > process.rlimits[2 * res + 1] and not machine.s.may_raise:
            raise GuestFault(errno.EPERM)
        process.rlimits[2 * res] = low
        process.rlimits[2 * res + 1] = high
        if res == CPU:
            with signal_lock(process):
                process.xcpu_at = 0
    if res == AS and this.task is not None and process is process_of(this.task):
        apply_to_host(this.task)


# --- RLIMIT_AS and Python's own memory ------------------------------------------------------------------

HEADROOM = 64 << 20  #: bytes for the kernel's own work while a limited task runs


class _Host:
    """What holds for this CPU's host process now."""

    limit = RLIM_INFINITY
    impose: Callable[[int | None], None] = staticmethod(lambda extra: None)  #: set at boot: bytes more than now


host = _Host()


def apply_to_host(task: Task) -> None:
    """The task runs here: what Python allocates for its objects is bounded by its RLIMIT_AS, too.

    Its objects live in the CPU's host process, so that process gets a limit while the task runs: a bytearray that is
    too large is a MemoryError, as on the host. Costs nothing for tasks without a limit.
    """
    limit = processes[task.process].rlimits[2 * AS]
    if limit != host.limit:
        host.limit = limit
        host.impose(None if limit >= 1 << 46 else limit + HEADROOM)
