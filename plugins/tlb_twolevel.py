"""Two levels: a small TLB that answers, and a large one behind it that remembers what the small one evicted.

Sizes of a recent Xeon (Intel's optimisation manual, Skylake server): 64 entries, then 1536 to 2048; `--tlb` gives the
second level's, `--set tlb_twolevel.first=64` the first's. Replacement is first in, first out in both. A hit in the
second level is counted and not made cheaper: kos has walked the tables by then, and a walk costs it 1 us.
"""

from __future__ import annotations

from kos.api import MAX_CPUS, Array, Options, OptionTable, Params, SharedState, TlbModel, array, hookimpl, shared, this


@shared(lock="single")
class Refills(SharedState):
    """By CPU, which alone writes its items; the summary adds them up."""

    second: Array = array("Q", MAX_CPUS + 1)  #: refills of the first level that the second could answer
    walks: Array = array("Q", MAX_CPUS + 1)  #: refills that neither could


state = Refills()


class TwoLevel:
    """TlbModel."""

    name = "twolevel"

    def __init__(self, first: int, second: int) -> None:
        self.first = first
        self.second = second
        self._open: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
        self._order: dict[tuple[int, int], None] = {}  # first level, oldest first
        self._behind: dict[tuple[int, int], None] = {}  # second level, oldest first

    def open(self, asid: int) -> tuple[dict[int, int], dict[int, int]]:
        pair = self._open.get(asid)
        if pair is None:
            pair = self._open[asid] = ({}, {})
        return pair

    def insert(self, asid: int, vpn: int, delta: int, writable: bool) -> None:
        read, write = self.open(asid)
        tag = (asid, vpn)
        if tag not in self._order:
            counts = state.second if tag in self._behind else state.walks
            counts[this.id] += 1
            self._behind.pop(tag, None)
            if len(self._order) >= self.first:
                self._evict()
            self._order[tag] = None
        read[vpn] = delta
        if writable:
            write[vpn] = delta
        else:
            write.pop(vpn, None)

    def _evict(self) -> None:
        """The oldest entry of the first level moves behind it; the oldest there is forgotten."""
        asid, vpn = tag = next(iter(self._order))
        self.flush_page(asid, vpn)
        if len(self._behind) >= self.second:
            del self._behind[next(iter(self._behind))]
        self._behind[tag] = None

    def flush_page(self, asid: int, vpn: int) -> None:
        self._order.pop((asid, vpn), None)
        self._behind.pop((asid, vpn), None)
        for entries in self.open(asid):
            entries.pop(vpn, None)

    def flush_asid(self, asid: int) -> None:
        for entries in self.open(asid):
            entries.clear()
        for level in (self._order, self._behind):
            for tag in [t for t in level if t[0] == asid]:
                del level[tag]


@hookimpl
def kos_options(table: OptionTable) -> None:
    table.add("first", 64, "entries of the first level", least=1)


@hookimpl
def kos_shared_state() -> SharedState:
    return state


@hookimpl
def kos_tlb_model(params: Params, options: Options) -> TlbModel:
    geometry = params.options.get("tlb")
    second = int(geometry[0]) if isinstance(geometry, list | tuple) else 1536
    return TwoLevel(options["first"], second)


@hookimpl
def kos_summary() -> str:
    second, walks = int(state.np("second").sum()), int(state.np("walks").sum())
    return f"two-level TLB: {second + walks} refills of the first level, {second} of them from the second"
