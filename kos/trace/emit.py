"""Tracepoints that cost nothing when off: `if FORK.on: FORK(child_pid=..., pages=...)`.

`on` is a plain attribute, false until a sink is attached and the event selected; the call site tests it
before it computes a field, so a switched-off event costs one attribute load.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

EVENTS: dict[str, Event] = {}
Sink = Callable[["Event", dict[str, Any]], None]


class Event:
    """One kind of event. fields: names with the unit at the end, as they appear in the log."""

    __slots__ = ("fields", "name", "on", "sinks")

    def __init__(self, name: str, fields: str) -> None:
        self.name = name
        self.fields = tuple(f.strip() for f in fields.split(","))
        self.on = False
        self.sinks: list[Sink] = []
        EVENTS[name] = self

    def __call__(self, **fields: Any) -> None:
        for sink in self.sinks:
            sink(self, fields)


def attach(sink: Sink, names: list[str] | None = None) -> None:
    """Send the named events (None: all) to a sink, from now on, in this process."""
    for event in EVENTS.values():
        if names is None or event.name in names:
            event.sinks.append(sink)
            event.on = True


def detach(sink: Sink) -> None:
    """Undo attach()."""
    for event in EVENTS.values():
        if sink in event.sinks:
            event.sinks.remove(sink)
            event.on = bool(event.sinks)
