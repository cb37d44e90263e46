"""Counts page faults by page and names the hottest: an observer, and the state that it shares, to copy.

After `perf trace -F all` and bpftrace's one-liners. A hash table of fixed size in the arena: CPUs fault at the same
time, so its own lock guards it; kos_event may take locks of the rank "plugin" whatever else is held.

    kos run cow_fork -p watch_pages --set watch_pages.top=5
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kos.api import Array, Options, OptionTable, SharedState, array, hookimpl, shared, u64

SLOTS = 1 << 14


@shared(lock="plugin")
class Heat(SharedState):
    """Faults by virtual page, all processes together."""

    lost: u64  #: faults that found no slot
    pages: Array = array("Q", SLOTS)  #: virtual page number; 0 = slot is free
    counts: Array = array("Q", SLOTS)


state = Heat()
settings: dict[str, int] = {}  #: read in the supervisor alone, by kos_summary


@hookimpl
def kos_options(table: OptionTable) -> None:
    table.add("top", 10, "how many pages the summary names", least=1)


@hookimpl
def kos_shared_state(options: Options) -> SharedState:
    settings["top"] = options["top"]
    return state


@hookimpl
def kos_events() -> Iterable[str]:
    return ["mm.page_fault"]


@hookimpl
def kos_event(fields: Mapping[str, Any]) -> None:
    page = fields["vaddr"] >> 12
    with state.lock:
        for probe in range(64):
            at = (page * 0x9E3779B1 + probe) % SLOTS
            if state.pages[at] in (0, page):
                state.pages[at] = page
                state.counts[at] += 1
                return
        state.lost += 1


@hookimpl
def kos_summary() -> str:
    found = sorted(((n, p) for p, n in zip(state.pages, state.counts, strict=True) if p), reverse=True)
    lines = [f"  {page << 12:#014x}  {count} faults" for count, page in found[: settings["top"]]]
    return "\n".join(["hottest pages:", *lines, *([f"  ({state.lost} faults not counted)"] if state.lost else [])])
