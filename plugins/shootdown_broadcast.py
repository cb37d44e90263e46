"""Shootdown by broadcast: every CPU is interrupted, whether it can hold a translation or not.

What a kernel does that keeps no CPU masks (the first SMP Unixes), and the cost that hardware broadcast has to beat
(arm64's TLBI ... IS, AMD's INVLPGB). Compare its latency with shootdown_ipi's when one process of many is busy.
"""

from __future__ import annotations

from kos.api import FLUSH, FlushRequest, ShootdownProtocol, StaleBatch, hookimpl, post, send_ipi, this, wait_for_acks


class BroadcastShootdown:
    """ShootdownProtocol."""

    name = "broadcast"

    def flush(self, request: FlushRequest, stale: StaleBatch | None) -> bool:
        request.targets = [cpu for cpu in range(this.nr_cpus) if cpu != this.id]
        seq = post(request)
        for cpu in request.targets:
            send_ipi(cpu, FLUSH, seq)
        wait_for_acks(request)
        return True


@hookimpl
def kos_shootdown_protocol() -> ShootdownProtocol:
    return BroadcastShootdown()
