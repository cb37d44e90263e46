"""audit_memory(): rules 1 to 5 of what is always true. Cheap enough to run at every shutdown."""

from __future__ import annotations

from kos.audit.accounts import audit_accounts
from kos.audit.frames import audit_frames
from kos.audit.isolation import audit_isolation
from kos.audit.tlbs import audit_tlb
from kos.audit.walk import walk_all

__all__ = ["audit_memory", "audit_tlb"]


def audit_memory() -> list[str]:
    """Problems of the machine's memory, this CPU's TLB included; the machine is quiet. [] = all is well."""
    w = walk_all()
    return audit_frames(w) + audit_isolation(w) + audit_accounts(w) + audit_tlb()
