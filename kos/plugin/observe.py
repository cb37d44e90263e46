"""Observers: kos_event of every plugin, attached to the tracepoints that it wants."""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from kos.errors import KernelBug, MachineStop, PluginError, UsageError, describe
from kos.hw.cpu import this
from kos.platform.host.clock import now_ns
from kos.plugin.check import Hook
from kos.plugin.choose import Chosen
from kos.plugin.guard import NR_EVENTS, as_lines, broken, enter_as
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
    wanted = which()
    if isinstance(wanted, str) or not isinstance(wanted, Iterable):
        raise UsageError(f"{hook.plugin}, hook kos_events: found {wanted!r}, expected a list of names")
    for pattern in wanted:
        found = fnmatch.filter(known, str(pattern))
        if not found:
            raise UsageError(f"{hook.plugin}, hook kos_events: found {pattern!r}, expected some of {', '.join(known)}")
        names += found
    return names


def _sink(hook: Hook, boot_ns: int) -> Sink:
    function, takes, plugin = hook.function, hook.takes, hook.plugin.name
    last: deque[tuple[int, int, str, dict[str, Any]]] = deque(maxlen=NR_EVENTS)  # what it was told before
    number = enter_as(plugin, "kos_event")

    def blame(rule: str, cause: BaseException | None = None) -> None:
        error = PluginError(plugin, "kos_event", rule)
        error.add_note("events it was told of on this cpu:\n" + "\n".join(as_lines(last)))
        broken(error, cause)

    def sink(event: emit.Event, fields: dict[str, Any]) -> None:
        last.append((now_ns() - boot_ns, this.block.current_pid, event.name, fields))
        told: dict[str, Any] = {}
        if "event" in takes:
            told["event"] = event.name
        if "fields" in takes:
            told["fields"] = {"ts": now_ns() - boot_ns, "cpu": this.id, "pid": this.block.current_pid, **fields}
        held = this.nr_held
        inside = this.in_plugin
        outer = inside[0]
        inside[0] = number
        try:
            function(**told)
        except MachineStop:
            raise
        except PluginError as e:
            broken(e, e.__cause__)
        except KernelBug as e:
            blame(str(e), e)
        except BaseException as e:
            blame(f"raised {describe(e)}", e)
        finally:
            inside[0] = outer
        if this.nr_held != held:
            blame("kept a lock" if this.nr_held > held else "released a lock that it did not take")

    return sink
