"""Observers: kos_event of every plugin, attached to the tracepoints that it wants."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import Any

from kos.errors import MachineStop, PluginError, UsageError
from kos.hw.cpu import this
from kos.platform.host.clock import now_ns
from kos.plugin.check import Hook
from kos.plugin.choose import Chosen
from kos.trace import emit, events

Sink = Callable[[emit.Event, dict[str, Any]], None]


def attach_all(chosen: Chosen, boot_ns: int) -> list[Sink]:
    """Attach every plugin's kos_event; returns the sinks. boot_ns: zero of `ts`."""
    sinks = []
    for hook in chosen.order.get("kos_event", []):
        names = _wanted(hook, chosen)
        sink = _sink(hook, boot_ns)
        emit.attach(sink, names)
        sinks.append(sink)
    return sinks


def _wanted(hook: Hook, chosen: Chosen) -> list[str] | None:
    which = chosen.hooks[hook.plugin.name].get("kos_events")
    if which is None:
        return None
    known = [e.name for e in vars(events).values() if isinstance(e, emit.Event)]
    names: list[str] = []
    for pattern in which():
        found = fnmatch.filter(known, str(pattern))
        if not found:
            raise UsageError(f"{hook.plugin}, hook kos_events: found {pattern!r}, expected some of {', '.join(known)}")
        names += found
    return names


def _sink(hook: Hook, boot_ns: int) -> Sink:
    function, takes, plugin = hook.function, hook.takes, hook.plugin.name

    def sink(event: emit.Event, fields: dict[str, Any]) -> None:
        told: dict[str, Any] = {}
        if "event" in takes:
            told["event"] = event.name
        if "fields" in takes:
            told["fields"] = {"ts": now_ns() - boot_ns, "cpu": this.id, "pid": this.block.current_pid, **fields}
        held = this.nr_held
        try:
            function(**told)
        except (MachineStop, PluginError):
            raise
        except Exception as e:
            raise PluginError(plugin, "kos_event", f"raised {type(e).__name__}: {e}") from e
        if this.nr_held != held:
            raise PluginError(plugin, "kos_event", "kept a lock")

    return sink
