"""The border between the kernel and a plugin: what a policy does is checked where it returns.

A guard stands in the policy's place and calls it. Whatever a plugin can get wrong is found at the call that did it,
so the blame has a name: the plugin, the hook's role and method, the rule, and the events before it on this CPU.
Only policies that do not ship with kos are guarded in a run (`--set guard=all` guards those too): a check costs
between 1 us (a lock kept) and a sweep of the tables (fork).

What all guards check: nothing is raised but GuestFault where it may be, results have the right type, no lock is
kept, no stale entry dropped. What each kind must hold stands in a class of its own: guard_memory.py, guard_cpu.py,
guard_transport.py.

A broken rule ends the machine where it is found (kos/hw/stop.py): a policy is asked in the middle of the guest's own
code, too (a tick at a safepoint, a TLB miss), and a guest must neither see nor catch what is not its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable
from typing import Any, NoReturn

from kos.errors import GuestFault, KernelBug, MachineStop, PluginError, describe
from kos.hw.cpu import SUPERVISOR, this
from kos.hw.stop import stop_machine
from kos.mm.shootdown import take_dropped
from kos.platform.host.clock import now_ns
from kos.plugin.find import Plugin
from kos.plugin.roles import Role
from kos.sync.spinlock import lock_name
from kos.trace import emit

NR_EVENTS = 24  #: events that a report shows


class _Memory:
    """The last events of this CPU."""

    events: deque[tuple[int, int, str, dict[str, Any]]] = deque(maxlen=NR_EVENTS)


def remember_events(boot_ns: int) -> Callable[[emit.Event, dict[str, Any]], None]:
    """Keep the last events from now on; returns the sink."""
    _Memory.events.clear()

    def sink(event: emit.Event, fields: dict[str, Any]) -> None:
        _Memory.events.append((now_ns() - boot_ns, this.block.current_pid, event.name, fields))

    emit.attach(sink, None)
    return sink


def recent_events() -> list[str]:
    """The last events of this CPU, oldest first, a line each."""
    return as_lines(_Memory.events)


def as_lines(last: Iterable[tuple[int, int, str, dict[str, Any]]]) -> list[str]:
    """Events (ns since boot, pid, name, fields) as a report shows them."""
    return [
        f"  {ts / 1e6:12.3f} ms  pid {pid}  {name}  " + " ".join(f"{k}={_show(k, v)}" for k, v in fields.items())
        for ts, pid, name, fields in last
    ]


def _show(name: str, value: object) -> str:
    return hex(value) if isinstance(value, int) and name in ("vaddr", "addr") else str(value)


def wrap(role: Role, policy: Any, plugin: Plugin) -> Any:
    """The policy behind its guard."""
    from kos.plugin import guard_cpu, guard_memory, guard_transport

    kinds: dict[str, type[Guard]] = {
        "fork": guard_memory.ForkGuard,
        "alloc": guard_memory.AllocGuard,
        "fault": guard_memory.FaultGuard,
        "shootdown": guard_memory.ShootdownGuard,
        "transport": guard_transport.TransportGuard,
        "tlb": guard_cpu.TlbGuard,
        "sched": guard_cpu.SchedulerGuard,
    }
    return kinds[role.kind](policy, plugin.name, role.hook)


class Guard:
    """Calls a policy's methods and checks what is true of all of them."""

    def __init__(self, policy: Any, plugin: str, hook: str) -> None:
        self.policy = policy
        self.plugin = plugin
        self.hook = hook
        self.name = str(getattr(policy, "name", plugin))
        self.number = enter_as(plugin, hook)

    def blame(self, method: str, rule: str, cause: BaseException | None = None) -> NoReturn:
        """Stop the machine: this plugin broke this rule."""
        broken(PluginError(self.plugin, self.hook, f"{method}(): {rule}"), cause)

    def call(self, method: str, *args: Any, may_fail: Container[int] = ()) -> Any:
        """The method's result. may_fail: the errnos with which it may raise GuestFault."""
        held = this.nr_held
        inside = this.in_plugin
        outer = inside[0]
        inside[0] = self.number
        try:
            result = getattr(self.policy, method)(*args)
        except MachineStop:
            raise
        except PluginError as e:
            broken(e, e.__cause__)
        except GuestFault as e:
            if e.errno not in may_fail:
                self.blame(method, f"raised GuestFault({e.errno!r}), which it may not", e)
            self._check_locks(method, held)
            raise
        except KernelBug as e:
            self.blame(method, str(e), e)
        except BaseException as e:
            if this.id == SUPERVISOR and isinstance(e, KeyboardInterrupt):
                raise  # Ctrl-C while the machine comes up; CPUs get none
            self.blame(method, f"raised {describe(e)}", e)
        finally:
            inside[0] = outer
        self._check_locks(method, held)
        dropped = take_dropped()
        if dropped is not None:
            self.blame(method, dropped)
        return result

    def expect(self, method: str, result: Any, kind: type) -> None:
        """Blame the plugin if a result is not exactly of a type."""
        if type(result) is not kind:
            self.blame(method, f"returned {result!r}, expected {'a ' + kind.__name__ if kind is not int else 'an int'}")

    def nothing(self, method: str, result: Any) -> None:
        """Blame the plugin if a method that has no result returned one: it has misread the interface."""
        if result is not None:
            self.blame(method, f"returned {result!r}, expected None")

    def _check_locks(self, method: str, held: int) -> None:
        if this.nr_held > held:
            kept = ", ".join(lock_name(this.held[k]) for k in range(held, this.nr_held))
            self.blame(method, f"kept a lock: {kept}")
        if this.nr_held < held:
            self.blame(method, f"released {held - this.nr_held} lock(s) that it did not take")


def broken(error: PluginError, cause: BaseException | None = None) -> NoReturn:
    """Stop the machine with the events before it; in the supervisor, where no CPU stops, raise the error."""
    if not getattr(error, "__notes__", None):
        lines = recent_events()
        error.add_note("events before it on this cpu:\n" + ("\n".join(lines) or "  none"))
    try:
        raise error from cause  # its traceback says where it was found
    except PluginError as e:
        stop_machine(e)


_names: list[str] = []  #: of plugins and hooks, by Cpu.in_plugin - 1


def enter_as(plugin: str, hook: str) -> int:
    """The number by which a plugin's hook is known in Cpu.in_plugin; given before the CPUs are forked."""
    name = f"plugin {plugin!r}, hook {hook!r}"
    if name not in _names:
        _names.append(name)
    return _names.index(name) + 1


def running_hook(number: int) -> str | None:
    """The name to a Cpu.in_plugin: who runs on that CPU."""
    return _names[number - 1] if 0 < number <= len(_names) else None
