"""Host processes: fork a CPU, name it, pin it, tie its life to the parent's."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

import multiprocess

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_libc = ctypes.CDLL(None, use_errno=True)

yield_core = os.sched_yield  #: give the host core to whoever else wants it
this_pid = os.getpid
ring_signal = signal.SIGUSR1  #: what interrupts a CPU that does not answer


def start(name: str, main: Callable[..., None], *args: Any) -> Any:
    """Fork a process that runs main(*args); returns the multiprocess.Process (started)."""
    process = multiprocess.get_context("fork").Process(target=main, args=args, name=name, daemon=False)
    process.start()
    return process


def set_title(title: str) -> None:
    """What `ps` shows: the comm (15 bytes) and, where it fits, the command line."""
    _libc.prctl(_PR_SET_NAME, title.encode()[:15], 0, 0, 0)
    _overwrite_argv(title.encode())


def _overwrite_argv(title: bytes) -> None:
    """Write over the argument area that the host shows as the command line (as setproctitle does)."""
    try:
        with open("/proc/self/stat", "rb") as f:
            fields = f.read().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])  # arg_start, arg_end: proc(5) fields 48, 49
    except (OSError, ValueError, IndexError):
        return
    room = end - start
    if room > 1:
        ctypes.memmove(start, title[: room - 1].ljust(room, b"\0"), room)


def die_with_parent(parent: int) -> None:
    """SIGKILL for this process when the parent dies; at once if it is dead already."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(70)


def keep_freed_memory() -> None:
    """Let malloc keep what is freed in place of handing it back to the host (mallopt(3)); nothing where it cannot.

    The work on page tables makes and drops arrays of 100 KiB to 1 MiB, and glibc would give each back, to fault it in
    again. Fork and exit of 512 MiB take 1.7 and 3.6 ms without this, 1.4 and 1.9 ms with it.
    """
    try:
        _libc.mallopt(_M_MMAP_THRESHOLD, 8 << 20)
        _libc.mallopt(_M_TRIM_THRESHOLD, 32 << 20)
    except AttributeError:  # another C library
        pass


def pin(core: int) -> None:
    """Bind this process to the n-th core that it may use, where the host lets it."""
    cores = sorted(os.sched_getaffinity(0))
    try:
        os.sched_setaffinity(0, {cores[core % len(cores)]})
    except OSError:
        pass


def host_cores() -> int:
    return len(os.sched_getaffinity(0))


def die_of(sig: int) -> None:
    """End this process by a signal, without a core file; returns only where the signal does not kill."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    signal.signal(sig, signal.SIG_DFL) if sig not in (signal.SIGKILL, signal.SIGSTOP) else None
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {sig})
    os.kill(os.getpid(), sig)


def limit_address_space(extra: int | None) -> None:
    """Let this process map at most `extra` more bytes than it maps now; None lifts the limit."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = hard
    if extra is not None:
        with open("/proc/self/statm", "rb") as f:
            soft = int(f.read().split()[0]) * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def leave_terminal() -> None:
    """The terminal's keys are the supervisor's business: this process ignores what they send."""
    for sig in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGPIPE):
        signal.signal(sig, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def on_ring(handler: Callable[[int, FrameType | None], None]) -> None:
    """Call handler between two bytecodes when somebody sends ring_signal."""
    signal.signal(ring_signal, handler)
