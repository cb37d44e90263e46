"""The policies in use, chosen at boot with use(kind, object) before the CPUs are forked.

The kernel below never imports a plugin: it calls what stands here. One policy of each kind, except fault handlers,
which form a chain in front of the kernel's own three.
"""

from __future__ import annotations

from typing import cast

from kos.errors import PluginError
from kos.hooks.policies import FaultHandler, ForkPolicy, PageAllocator, ShootdownProtocol, TlbModel
from kos.params import Params

KINDS: dict[str, type] = {
    "fork": ForkPolicy,
    "alloc": PageAllocator,
    "shootdown": ShootdownProtocol,
    "tlb": TlbModel,
}


#: `--set name=value`: every setting of the kernel, with what it means; plugins' have a dot in their name.
SETTINGS = {
    "guard": "whose policies are checked at every call: plugins (those that do not ship with kos), all, off",
    "overcommit": "may more memory be promised than there is: 0 within reason, 1 always, 2 never (Linux's numbers)",
    "overcommit_ratio": "with overcommit=2: percent of memory that may be promised",
    "poison": "fill freed frames with junk: 0 or 1",
}


class _Active:
    fork: ForkPolicy
    alloc: PageAllocator
    shootdown: ShootdownProtocol
    tlb: TlbModel
    fault: list[FaultHandler] = []  #: asked before the kernel's own handlers


active = _Active()


def use(kind: str, policy: object) -> None:
    """Make `policy` the one of its kind; a fault handler goes to the front of the chain."""
    name = getattr(policy, "name", type(policy).__name__)
    if kind == "fault":
        if not isinstance(policy, FaultHandler):
            raise PluginError(str(name), kind, "a fault handler has a method handle(fault)")
        active.fault = [policy, *active.fault]
        return
    if kind not in KINDS:
        raise PluginError(str(name), kind, f"kinds of memory policies: fault, {', '.join(KINDS)}")
    if not isinstance(policy, KINDS[kind]):
        wanted = sorted(n for n in dir(KINDS[kind]) if not n.startswith("_"))
        missing = [n for n in wanted if not hasattr(policy, n)]
        raise PluginError(str(name), kind, f"the policy lacks {', '.join(missing)}")
    setattr(active, kind, policy)


def reset() -> None:
    """No fault handlers of plugins any more (a new machine in the same process)."""
    active.fault = []


def setting(params: Params, name: str, default: str) -> str:
    """A `--set name=value` of the machine."""
    settings = params.options.get("settings")
    return str(settings.get(name, default)) if isinstance(settings, dict) else default


def name_of(kind: str) -> str:
    """Name of the policy in use."""
    return cast(str, getattr(active, kind).name)
