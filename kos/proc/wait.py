"""wait4() and waitid(): news of children, in the order of their birth. Linux: kernel/exit.c, do_wait()."""

from __future__ import annotations

import errno
from typing import NamedTuple

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.proc import rusage, tree
from kos.proc.exit import code_of, release_process
from kos.proc.rusage import Rusage
from kos.proc.sigdefs import CLD_CONTINUED, CLD_STOPPED, SIGCONT
from kos.sched.structs import (
    PF_CONTINUED,
    PF_STOPPED,
    PL_STOP_UNREAD,
    PL_ZOMBIE,
    Process,
    find_process,
    process_of,
    signal_lock,
    tasklist_lock,
)
from kos.sched.waitqueue import prepare_to_wait
from kos.trace.events import WAIT
from kos.traps import Wait

WNOHANG, WUNTRACED, WSTOPPED, WEXITED, WCONTINUED = 1, 2, 2, 4, 8
WNOWAIT = 0x0100_0000
IGNORED_OPTIONS = 0xE000_0000  #: __WNOTHREAD, __WALL, __WCLONE: every child is of the one kind that there is

ANY, PID, GROUP = range(3)  #: whom to wait for: P_ALL, P_PID, P_PGID


class News(NamedTuple):
    """What a child has to tell. status: as wait4() gives it; code and number: as siginfo does."""

    pid: int
    status: int
    code: int
    number: int
    usage: Rusage


def do_wait(kind: int, number: int, options: int) -> News | Wait | None:
    """News of one child that matches; None with WNOHANG where there is none yet; a Wait where one must sleep.

    GuestFault(ECHILD) when no child matches.
    """
    me = process_of(this.task)
    with tasklist_lock:
        if kind == GROUP and number == 0:
            number = me.pgid
        for child in tree.reports_of(me):
            if _matches(child, kind, number):
                news = _news_of(me, child, options)
                if news is not None:
                    if WAIT.on:
                        WAIT(child_pid=news.pid, status=news.status)
                    return news
        if not _has_child(me, kind, number, options):
            raise GuestFault(errno.ECHILD)
        if options & WNOHANG:
            return None
        prepare_to_wait(me.children, tasklist_lock)
        return Wait(0)


def _matches(child: Process, kind: int, number: int) -> bool:
    return kind == ANY or (child.pid == number if kind == PID else child.pgid == number)


def _has_child(me: Process, kind: int, number: int, options: int) -> bool:
    """Is there a child that may have news yet? A zombie is none to who does not wait for ends."""
    if kind == ANY and options & WEXITED:
        return me.nr_children > 0
    if kind == PID:
        child = find_process(number)
        candidates = [child] if child is not None and child.parent == me.index else []
    elif kind == GROUP:
        candidates = [p for p in tree.group_members(number) if p.parent == me.index]
    else:
        candidates = tree.children_of(me)
    return any(options & WEXITED or not p.life & PL_ZOMBIE for p in candidates)


def _news_of(me: Process, child: Process, options: int) -> News | None:
    """What this child has to tell that the caller wants to hear; told once, unless WNOWAIT."""
    keep = options & WNOWAIT
    if child.life & PL_ZOMBIE:
        if not options & WEXITED:
            return None
        status = child.exit_status
        news = News(child.pid, status, *code_of(status), rusage.of_child(child))
        if not keep:
            rusage.charge_waited(me, child)
            release_process(child)
        return news
    told: News | None = None
    with signal_lock(child):
        if child.life & PL_STOP_UNREAD and child.flags & PF_STOPPED and options & WSTOPPED:
            sig = child.stop_sig
            told = News(child.pid, sig << 8 | 0x7F, CLD_STOPPED, sig, rusage.of_child(child))
            if not keep:
                child.life &= ~PL_STOP_UNREAD
        elif child.flags & PF_CONTINUED and options & WCONTINUED:
            told = News(child.pid, 0xFFFF, CLD_CONTINUED, SIGCONT, rusage.of_child(child))
            if not keep:
                child.flags &= ~PF_CONTINUED
        if not child.life & PL_STOP_UNREAD and not child.flags & PF_CONTINUED:
            tree.remove_report(child)
    return told
