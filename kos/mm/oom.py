"""Out of memory: whom to kill. Follows select_bad_process() and oom_badness(), Linux 6.0 mm/oom_kill.c.

The score is what killing would give back, in pages: resident set and page tables (there is no swap), plus
oom_score_adj thousandths of all memory. The highest score dies; pid 1 and address spaces that nobody can kill are
passed over. What a task is, only the layers above know: they fill `candidates`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from kos.mm.page_alloc import nr_total
from kos.mm.structs import Mm


class Candidate(NamedTuple):
    """A process that could be killed. adj: oom_score_adj, -1000 (never) to 1000."""

    pid: int
    mm: Mm
    adj: int = 0


def nobody() -> Iterable[Candidate]:
    """Until the process layer says who there is."""
    return ()


class _Hooks:
    candidates: Callable[[], Iterable[Candidate]] = staticmethod(nobody)  #: one per process, init left out


hooks = _Hooks()


def badness(c: Candidate) -> int:
    """Pages that killing it would give back, adjusted; 0 = never."""
    if c.adj == -1000 or not c.mm.pgd:
        return 0
    points = c.mm.rss_anon + c.mm.rss_file + c.mm.nr_tables
    return max(1, points + c.adj * nr_total() // 1000)


def select_victim() -> tuple[int, int, str]:
    """(pid, resident pages, why) of the process to kill; pid 0: there is none."""
    best: Candidate | None = None
    best_points = 0
    for c in hooks.candidates():
        points = badness(c)
        if points > best_points:
            best, best_points = c, points
    if best is None:
        return 0, 0, "no process can be killed"
    mm = best.mm
    why = f"score {best_points}: {mm.rss_anon} anonymous, {mm.rss_file} file pages, {mm.nr_tables} page tables"
    return best.pid, mm.rss_anon + mm.rss_file, why
