"""What a waiting CPU does: serve its own interrupts, then yield the host core.

More CPUs than host cores is the normal case, and naive spinning is fatal there: with 4 CPUs on 2 cores a
shootdown took 12 ms, with this rule 18 us (KVM's pause-loop exit, in effect).
"""

from __future__ import annotations

from kos.hw.cpu import this
from kos.hw.ipi import host_cores as host_cores
from kos.hw.ipi import poll_ipis
from kos.platform.host.clock import cpu_time_ns
from kos.platform.host.process import yield_core

WAIT_LIMIT_NS = (
    5_000_000_000  #: processor time that one wait for another CPU may take; the kernel's own are far shorter
)
LOOK_EVERY = 4096  #: turns of a wait between two looks at that: a power of two


class Patience:
    """Is it a deadlock? Processor time counts, not the time of day: a crowded host may keep the other from running."""

    __slots__ = ("_end",)

    def __init__(self) -> None:
        self._end = cpu_time_ns() + WAIT_LIMIT_NS

    def is_over(self) -> bool:
        return cpu_time_ns() > self._end


def relax() -> None:
    """One turn of any wait. May raise MachineStop: every wait has a way out."""
    if this.interrupted:
        poll_ipis()
    yield_core()
