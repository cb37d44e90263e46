"""Shootdown by interrupt: one message to every CPU that may hold a translation, and a wait for all of them.

Linux x86: native_flush_tlb_multi() in arch/x86/mm/tlb.c; the idea is older: Black et al., Translation Lookaside
Buffer Consistency: A Software Approach, ASPLOS 1989.
"""

from __future__ import annotations

from kos.api import FLUSH, FlushRequest, ShootdownProtocol, StaleBatch, hookimpl, post, send_ipi, wait_for_acks


class IpiShootdown:
    """ShootdownProtocol."""

    name = "ipi"

    def flush(self, request: FlushRequest, stale: StaleBatch | None) -> bool:
        seq = post(request)
        for cpu in request.targets:
            send_ipi(cpu, FLUSH, seq)
        wait_for_acks(request)
        return True


@hookimpl
def kos_shootdown_protocol() -> ShootdownProtocol:
    return IpiShootdown()
