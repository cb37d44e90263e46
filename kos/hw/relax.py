"""What a waiting CPU does: serve its own interrupts, then yield the host core.

More CPUs than host cores is the normal case, and naive spinning is fatal there: with 4 CPUs on 2 cores a
shootdown took 12 ms, with this rule 18 us (KVM's pause-loop exit, in effect).
"""

from __future__ import annotations

from kos.hw.cpu import this
from kos.hw.ipi import host_cores as host_cores
from kos.hw.ipi import poll_ipis
from kos.platform.host.process import yield_core


def relax() -> None:
    """One turn of any wait. May raise MachineStop: every wait has a way out."""
    if this.interrupted:
        poll_ipis()
    yield_core()
