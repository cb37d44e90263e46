"""activate(): from the words of a user to the policies of a machine.

Two steps, because the arena lies between them. activate() runs before it is sized: plugins are found and checked,
policy objects made, shared state declared. Active.install() runs when the arena is there and before the CPUs are
forked: policies and observers go where the kernel looks for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from traceback import walk_tb
from typing import Any

from kos.arena.shared import SharedState, StateSegment, declare, withdraw
from kos.errors import PluginError, UsageError, describe
from kos.mm.policy import SETTINGS
from kos.params import Params
from kos.platform.host.clock import now_ns
from kos.platform.host.limit import TooLong, time_limit
from kos.plugin.check import Hook, check_interface
from kos.plugin.choose import Chosen, choose, source_of
from kos.plugin.find import DEFAULT, Plugin
from kos.plugin.roles import BY_HOOK, ROLES, Role
from kos.sync.order import ORDER
from kos.sync.spinlock import SpinLock

GUARD_MODES = ("plugins", "all", "off")
SWITCHES = ("0", "off", "no", "false", "1", "on", "yes", "true")
_locks: dict[str, SpinLock] = {}  #: locks of plugins, by name: a lock is made once a process


@dataclass
class Holder:
    """Who has a role. policies: one, or a chain; replaced: the plugins that would have had it."""

    role: Role
    plugin: Plugin
    policies: list[Any]
    replaced: list[Plugin] = field(default_factory=list)


class Active:
    """The plugins of one machine, checked and made."""

    def __init__(self, chosen: Chosen, params: Params, guard: str) -> None:
        self.chosen = chosen
        self.params = params
        self.guard = guard
        self.boot_ns = 0  #: host monotonic clock at boot, the zero of the events' `ts`; the machine sets it
        self.holders: dict[str, list[Holder]] = {kind: [] for kind in ROLES}
        self.segments: list[StateSegment] = []
        self.states: list[tuple[Plugin, SharedState]] = []
        self._sinks: list[Any] = []
        self._polls: list[Any] = []
        self._is_released = False

    @property
    def plugins(self) -> list[Plugin]:
        return self.chosen.plugins

    def is_used(self, plugin: Plugin) -> bool:
        """Does a plugin take part? Not if all that it has are policies, and others have their roles."""
        hooks = self.chosen.hooks[plugin.name]
        if any(h.plugin is plugin for holders in self.holders.values() for h in holders):
            return True
        return not any(name in BY_HOOK for name in hooks) or any(n in hooks for n in ("kos_event", "kos_summary"))

    def install(self) -> None:
        """Put policies and observers in place. In the supervisor, arena bound, before the CPUs are forked."""
        from kos.hw import ipi
        from kos.mm import policy
        from kos.plugin import guard
        from kos.sched.policy import in_use

        for plugin, state in self.states:
            try:
                state.boot(self.params)
            except KeyboardInterrupt:
                raise
            except BaseException as e:
                rule = f"{type(state).__name__}.boot(): raised {describe(e)}"
                raise PluginError(plugin.name, "kos_shared_state", rule) from e
        policy.reset()
        for holder in (h for holders in self.holders.values() for h in reversed(holders)):
            for made in reversed(holder.policies):  # a fault handler goes to the front of the chain
                put = guard.wrap(holder.role, made, holder.plugin) if self.is_guarded(holder.plugin) else made
                if callable(getattr(made, "poll", None)):
                    self._polls.append(put.poll)
                    ipi.poll_hooks.append(put.poll)
                if holder.role.kind == "sched":
                    in_use.scheduler = put
                elif holder.role.kind == "transport":
                    ipi.wire.transport = put
                else:
                    policy.use(holder.role.kind, put)
        self._watch(self.boot_ns or now_ns())

    def is_guarded(self, plugin: Plugin) -> bool:
        return self.guard == "all" or (self.guard == "plugins" and not plugin.is_shipped)

    def _watch(self, boot_ns: int) -> None:
        """Attach the observers, and the memory of the last events where a plugin may be blamed."""
        from kos.plugin import guard, observe

        if any(self.is_guarded(h.plugin) for holders in self.holders.values() for h in holders):
            self._sinks.append(guard.remember_events(boot_ns))
        self._sinks += observe.attach_all(self.chosen, boot_ns)

    def summaries(self, limit: float) -> list[str]:
        """What plugins have to say at the end of a run, in `limit` seconds each; in the supervisor, the arena there."""
        return [
            text
            for hook in self.chosen.order.get("kos_summary", [])
            if self.is_used(hook.plugin) and (text := _summary(hook, limit)) is not None
        ]

    def others(self) -> list[str]:
        """Plugins that take part and do not ship with kos, with their hooks: who may be behind what nobody claims."""
        return [
            f"{plugin} ({', '.join(self.chosen.hooks[plugin.name])})"
            for plugin in self.plugins
            if not plugin.is_shipped and self.is_used(plugin)
        ]

    def release(self) -> None:
        """Undo what is left in this process: the next machine starts without it. More than once does no harm."""
        if self._is_released:
            return
        self._is_released = True
        from kos.trace import emit

        for sink in self._sinks:
            emit.detach(sink)
        self._sinks = []
        from kos.hw import ipi

        for poll in self._polls:
            ipi.poll_hooks.remove(poll)
        self._polls = []
        for holder in (h for holders in self.holders.values() for h in holders):
            for made in holder.policies:
                if callable(getattr(made, "close", None)):
                    made.close()
        for segment in self.segments:
            withdraw(segment)
        self.segments = []


def _summary(hook: Hook, limit: float) -> str | None:
    """What one plugin says at the end: the program has run, so a mistake is a broken rule and no wrong usage."""
    try:
        with time_limit(limit):
            text = hook.function()
    except KeyboardInterrupt:
        raise
    except TooLong as e:
        raise PluginError(hook.plugin.name, hook.name, f"not over after {limit:g} s; it is at {_place_of(e)}") from e
    except BaseException as e:
        raise PluginError(hook.plugin.name, hook.name, f"raised {describe(e)}") from e
    if text is not None and not isinstance(text, str):
        raise PluginError(hook.plugin.name, hook.name, f"returned {text!r}, expected a text or None")
    return text


def _place_of(e: TooLong) -> str:
    """The line at which a call was interrupted: the last one is that of the signal's handler."""
    frame, line = list(walk_tb(e.__traceback__))[-2]
    return f"{frame.f_code.co_filename}:{line}"


class _Current:
    active: Active | None = None


current = _Current()  #: the plugins of the machine that was declared last in this process


def activate(
    config_plugins: Sequence[object] = (), settings: Mapping[str, str] | None = None, params: Params | None = None
) -> Active:
    """Find, check and make the plugins of a machine; declares their shared state. Raises UsageError."""
    if current.active is not None:
        current.active.release()
        current.active = None
    params = params or Params()
    chosen = choose(config_plugins, settings)
    for name in chosen.kernel_settings:
        if name not in SETTINGS:
            raise UsageError(
                f"--set {name}: found no such setting, expected one of {', '.join(SETTINGS)}, or PLUGIN.OPTION"
            )
    guard = chosen.kernel_settings.get("guard", "plugins")
    if guard not in GUARD_MODES:
        raise UsageError(f"--set guard={guard}: found {guard!r}, expected one of {', '.join(GUARD_MODES)}")
    if chosen.kernel_settings.get("poison", "0").lower() not in SWITCHES:
        found = chosen.kernel_settings["poison"]
        raise UsageError(f"--set poison={found}: found {found!r}, expected 0 or 1")
    active = Active(chosen, params, guard)
    for role in ROLES.values():
        active.holders[role.kind] = _fill(role, active)
    _declare_states(active)
    current.active = active
    return active


def _fill(role: Role, active: Active) -> list[Holder]:
    """Ask the plugins for a role's policy: the strongest source first, until one has an answer."""
    asked = active.chosen.order.get(role.hook, [])
    if role.is_chain:
        made = [(hook, _make(hook, role, active)) for hook in asked]
        return [Holder(role, hook.plugin, found) for hook, found in made if found]
    for level in sorted({hook.plugin.level for hook in asked}, reverse=True):
        here = [hook for hook in asked if hook.plugin.level == level]
        answers = [(hook, found) for hook in here if (found := _make(hook, role, active))]
        if len(answers) > 1:
            names = " and ".join(f"{h.plugin.name!r}" for h, _ in answers)
            raise UsageError(
                f"{answers[1][0].plugin}, hook {role.hook}: found two plugins for one role ({role.title}), {names} "
                f"({source_of(answers[0][0].plugin)}), expected one: name one of them, or block one with "
                f"-p no:{answers[1][0].plugin.name}"
            )
        if answers:
            hook, found = answers[0]
            replaced = [h.plugin for h in asked if h.plugin is not hook.plugin]
            return [Holder(role, hook.plugin, found, replaced)]
    raise UsageError(f"found no {role.title}, expected one: {role.default} is blocked and nothing replaces it")


def _make(hook: Hook, role: Role, active: Active) -> list[Any]:
    """What one plugin returns for a role, checked; empty: None."""
    plugin = hook.plugin
    answer = hook(params=active.params, options=active.chosen.options[plugin.name])
    if answer is None:
        return []
    made = list(answer) if role.is_chain and isinstance(answer, Iterable) else [answer]
    if not plugin.is_shipped or plugin.level > DEFAULT:
        for policy in made:
            check_interface(role.interface, policy, plugin, hook.name)
    return made


def _declare_states(active: Active) -> None:
    for plugin in active.plugins:
        hook = active.chosen.hooks[plugin.name].get("kos_shared_state")
        if hook is None or not active.is_used(plugin):
            continue
        answer = hook(params=active.params, options=active.chosen.options[plugin.name])
        if answer is None:
            continue
        for state in answer if isinstance(answer, list | tuple) else (answer,):
            if not isinstance(state, SharedState):
                raise UsageError(
                    f"{plugin}, hook kos_shared_state: found {state!r}, expected instances of classes with @shared()"
                )
            state.lock = _lock(plugin, state)
            try:
                segment = declare(state, plugin.name)
                segment.nbytes(active.params)
            except Exception as e:
                raise UsageError(f"{plugin}, hook kos_shared_state: {describe(e)}") from e
            active.segments.append(segment)
            active.states.append((plugin, state))
    if any(active.is_guarded(holder.plugin) for holder in active.holders["alloc"]):
        from kos.plugin.guard_memory import AllocGuard

        active.segments.append(declare(AllocGuard.state, "guard"))


def _lock(plugin: Plugin, state: SharedState) -> Any:
    """The lock that guards a state: its own, a kernel lock, or None (a pool, or a single writer)."""
    wanted = state.guard()
    if wanted == "plugin":
        name = f"plugin {plugin.name}.{type(state).__name__}"
        if name not in _locks:
            _locks[name] = SpinLock(name, "plugin")
        return _locks[name]
    if wanted not in ORDER and wanted != "single":
        raise UsageError(
            f"{plugin}, hook kos_shared_state: found @shared(lock={wanted!r}), expected 'plugin', 'single' or a rank "
            f"of kos/sync/order.py ({', '.join(ORDER)})"
        )
    from kos.mm import structs

    return {"zone": structs.zone_lock, "frame": structs.frame_lock, "commit": structs.commit_lock}.get(wanted)
