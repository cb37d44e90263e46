"""The roles that a plugin can take: one hook each, the interface its policy must meet, and who holds it by default."""

from __future__ import annotations

from dataclasses import dataclass

from kos.hooks import policies


@dataclass(frozen=True)
class Role:
    """kind: the word for it in file names (plugins/KIND_idea.py) and in kos.mm.policy."""

    kind: str
    hook: str
    default: str  #: the shipped plugin; "" = none is needed
    interface: type
    title: str
    is_chain: bool = False  #: several at once


ROLES = {
    role.kind: role
    for role in (
        Role("fork", "kos_fork_policy", "fork_cow", policies.ForkPolicy, "fork policy"),
        Role("alloc", "kos_page_allocator", "alloc_buddy", policies.PageAllocator, "page allocator"),
        Role("fault", "kos_fault_handlers", "", policies.FaultHandler, "fault handler", is_chain=True),
        Role("shootdown", "kos_shootdown_protocol", "shootdown_ipi", policies.ShootdownProtocol, "shootdown protocol"),
        Role("transport", "kos_transport", "transport_ring", policies.Transport, "interrupt transport"),
        Role("tlb", "kos_tlb_model", "tlb_setassoc", policies.TlbModel, "TLB model"),
        Role("sched", "kos_scheduler", "sched_rr", policies.Scheduler, "scheduler"),
    )
}
BY_HOOK = {role.hook: role for role in ROLES.values()}
