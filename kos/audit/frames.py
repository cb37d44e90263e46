"""Rules 1 and 2: reference counts are the references found; nothing free is mapped, nothing leaks."""

from __future__ import annotations

from typing import Any

import numpy as np

from kos.audit.walk import Counts, Walk
from kos.hw.phys import FIRST_PFN, frames
from kos.mm.page_alloc import nr_free, nr_total
from kos.mm.structs import PG_FREE, PG_USED, page_flags, page_mapcount, page_mapping, page_refcount

SHOWN = 5  #: frames named in one problem


def _name(pfns: Counts, w: Walk) -> str:
    parts = [
        f"{p} (refcount {page_refcount.v[p]}, found {w.counts[p]}; mapcount {page_mapcount.v[p]}, found {w.maps[p]}; "
        f"flags {page_flags.v[p]:#x}, mapping {page_mapping.v[p]})"
        for p in pfns[:SHOWN].tolist()
    ]
    return ", ".join(parts) + (f" and {len(pfns) - SHOWN} more" if len(pfns) > SHOWN else "")


def audit_frames(w: Walk) -> list[str]:
    """Problems found."""
    problems = []
    for space in w.spaces:
        if len(space.pfns) and int(space.pfns.max()) >= frames.nr:
            problems.append(f"mm {space.mm.index} maps frame {int(space.pfns.max())}; there are {frames.nr}")
        if space.bad_special:
            problems.append(
                f"mm {space.mm.index}: {space.bad_special} special entries are not the zero page, read-only"
            )
    top = max(w.high, FIRST_PFN)
    refs = page_refcount.np[:top].astype(np.int64)
    maps = page_mapcount.np[:top].astype(np.int64)
    flags = page_flags.np[:top]
    wrong = np.flatnonzero(refs != w.counts[:top])
    if len(wrong):
        problems.append(f"reference counts differ from the references found: frame {_name(wrong, w)}")
    wrong = np.flatnonzero(maps != w.maps[:top])
    if len(wrong):
        problems.append(f"map counts differ from the entries found: frame {_name(wrong, w)}")
    leaked = np.flatnonzero((flags & PG_USED != 0) & (w.counts[:top] == 0))
    if len(leaked):
        problems.append(f"{len(leaked)} frames leaked: in use, and nothing refers to them: {_name(leaked, w)}")
    free = np.array(w.free, dtype=np.int64)
    if len(free) != len(_distinct(free)):
        problems.append(f"{len(free) - len(_distinct(free))} frames are on free lists twice")
    if len(free):
        bad = _distinct(free[(free < FIRST_PFN) | (free >= frames.nr)])
        if len(bad):
            problems.append(f"free lists hold frames that do not exist: {bad[:SHOWN].tolist()}")
        inside = free[(free >= FIRST_PFN) & (free < frames.nr)]
        busy = _distinct(inside[w.counts[inside] != 0])
        if len(busy):
            problems.append(f"{len(busy)} free frames are referred to: {_name(busy, w)}")
    listed = np.zeros(top, dtype=bool)
    listed[free[(free >= 0) & (free < top)]] = True
    lost = np.flatnonzero((flags & PG_FREE != 0) & ~listed)
    if len(lost):
        problems.append(f"{len(lost)} frames are free, but on no list: {lost[:SHOWN].tolist()}")
    used = int(np.count_nonzero(flags & PG_USED))
    if used + nr_free() != nr_total():
        problems.append(f"{used} frames in use and {nr_free()} free are not the {nr_total()} there are")
    return problems


def _distinct(values: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Sorted, each once. Not np.unique: that imports numpy.ma, 20 ms of every run."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered
