"""Signals by number, and what they do when nobody has said otherwise. Linux x86-64, signal(7)."""

from __future__ import annotations

NSIG = 65  #: one more than the highest signal
SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL = range(1, 10)
SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD = range(10, 18)
SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ = range(18, 26)
SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS = range(26, 32)

SIGRTMIN = 32  #: from here on signals are queued: each that is sent is delivered (glibc's own SIGRTMIN is 34)

SIG_DFL, SIG_IGN, HANDLER = 0, 1, 2  #: dispositions; the handler itself is the guest's business


def bit(sig: int) -> int:
    """A signal's place in a mask."""
    return 1 << sig - 1


def mask_of(*sigs: int) -> int:
    m = 0
    for s in sigs:
        m |= bit(s)
    return m


def signals_in(mask: int) -> list[int]:
    """The signals of a mask, lowest first."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length())
        mask ^= low
    return found


KILL_BIT = bit(SIGKILL)
STOP_SIGNALS = mask_of(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU)
IGNORED_BY_DEFAULT = mask_of(SIGCONT, SIGCHLD, SIGWINCH, SIGURG)
UNBLOCKABLE = mask_of(SIGKILL, SIGSTOP)
SYNCHRONOUS = mask_of(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS)  #: delivered before all others

# siginfo's si_code for SIGCHLD
CLD_EXITED, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED = range(1, 7)
