"""Shootdown by interrupt: one message to every CPU that may hold a translation, and a wait for all of them.

Linux x86: native_flush_tlb_multi() in arch/x86/mm/tlb.c; the idea is older: Black et al., Translation Lookaside
Buffer Consistency: A Software Approach, ASPLOS 1989.
"""

from __future__ import annotations

from kos.hw.ipi import FLUSH, send_ipi
from kos.mm.shootdown import FlushRequest, StaleBatch, post, wait_for_acks


class IpiShootdown:
    """ShootdownProtocol."""

    name = "ipi"

    def flush(self, request: FlushRequest, stale: StaleBatch | None) -> bool:
        seq = post(request)
        for cpu in request.targets:
            send_ipi(cpu, FLUSH, seq)
        wait_for_acks(request)
        return True


def make(options: dict[str, object]) -> IpiShootdown:
    return IpiShootdown()
