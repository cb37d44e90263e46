"""A TLB without limits: nothing is ever evicted, every miss is a first touch or follows a flush.

No hardware; the bound that trace-driven studies compare with (Hill, Aspects of Cache Memory and Instruction Buffer
Performance, 1987: compulsory misses). It also makes missing flushes show for certain, since nothing else forgets.
"""

from __future__ import annotations

from kos.api import TlbModel, hookimpl


class Unlimited:
    """TlbModel."""

    name = "unlimited"

    def __init__(self) -> None:
        self._spaces: dict[int, tuple[dict[int, int], dict[int, int]]] = {}

    def open(self, asid: int) -> tuple[dict[int, int], dict[int, int]]:
        return self._spaces.setdefault(asid, ({}, {}))

    def insert(self, asid: int, vpn: int, delta: int, writable: bool) -> None:
        read, write = self.open(asid)
        read[vpn] = delta
        if writable:
            write[vpn] = delta
        else:
            write.pop(vpn, None)

    def flush_page(self, asid: int, vpn: int) -> None:
        for entries in self.open(asid):
            entries.pop(vpn, None)

    def flush_asid(self, asid: int) -> None:
        for entries in self.open(asid):
            entries.clear()


@hookimpl
def kos_tlb_model() -> TlbModel:
    return Unlimited()
