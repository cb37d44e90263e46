"""Which events a pattern list names: `--log-events tlb.*,proc.fork`."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase

import kos.trace.events
from kos.errors import UsageError
from kos.trace.emit import EVENTS

_ = kos.trace.events  # imported for its effect: it fills EVENTS


def select_events(patterns: str) -> list[str]:
    """Names of the events that any of the comma-separated patterns matches, in the order of their declaration."""
    chosen: set[str] = set()
    for pattern in filter(None, (p.strip() for p in patterns.split(","))):
        found = {name for name in EVENTS if fnmatchcase(name, pattern)}
        if not found:
            near = get_close_matches(pattern, EVENTS, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f"; there are {', '.join(EVENTS)}"
            raise UsageError(f"--log-events: no event {pattern!r}{hint}")
        chosen |= found
    if not chosen:
        raise UsageError("--log-events: which events?")
    return [name for name in EVENTS if name in chosen]
