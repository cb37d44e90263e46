"""A set-associative TLB with round-robin replacement: what most processors have.

Geometry: `entries` in sets of `ways`; the set is chosen by the low bits of the virtual page number, the tag is
(ASID, virtual page). Replacement is first in, first out within a set: true LRU would have to write on every hit,
which costs hardware transistors and costs us the one dict lookup that a hit is. Intel documents pseudo-LRU for its
own (SDM volume 3A, 4.10); Hennessy and Patterson, 5th edition, B.2: the difference is small at eight ways.
"""

from __future__ import annotations

from kos.api import Params, TlbModel, hookimpl


class SetAssociative:
    """TlbModel. entries and ways: at least 1, entries a multiple of ways."""

    name = "setassoc"

    def __init__(self, entries: int = 1024, ways: int = 4) -> None:
        self.nr_sets = max(1, entries // ways)
        self.ways = ways
        self._sets: dict[int, list[tuple[int, int]]] = {}  # set -> tags, oldest first; may hold forgotten ones
        self._open: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
        self._nr_forgotten = 0  #: tags in the sets whose page was flushed since: without any, no set is searched

    def open(self, asid: int) -> tuple[dict[int, int], dict[int, int]]:
        pair = self._open.get(asid)
        if pair is None:
            pair = self._open[asid] = ({}, {})
        return pair

    def insert(self, asid: int, vpn: int, delta: int, writable: bool) -> None:
        read, write = self._open.get(asid) or self.open(asid)
        if vpn not in read:
            number = vpn % self.nr_sets
            tags = self._sets.get(number)
            if tags is None:
                tags = self._sets[number] = []
            tag = (asid, vpn)
            if self._nr_forgotten and tag in tags:
                self._drop(tags, tag)
            elif len(tags) >= self.ways:
                self._make_room(tags)
            tags.append(tag)
        read[vpn] = delta
        if writable:
            write[vpn] = delta
        else:
            write.pop(vpn, None)

    def _make_room(self, tags: list[tuple[int, int]]) -> None:
        """Drop a tag that was flushed meanwhile, else evict the oldest."""
        spaces = self._open
        if self._nr_forgotten:
            for tag in tags:
                if tag[1] not in spaces[tag[0]][0]:
                    self._drop(tags, tag)
                    return
        asid, vpn = tags.pop(0)
        read, write = spaces[asid]
        del read[vpn]
        write.pop(vpn, None)

    def _drop(self, tags: list[tuple[int, int]], tag: tuple[int, int]) -> None:
        tags.remove(tag)
        self._nr_forgotten -= 1

    def flush_page(self, asid: int, vpn: int) -> None:
        read, write = self._open.get(asid) or self.open(asid)
        if read.pop(vpn, None) is not None:
            self._nr_forgotten += 1
            write.pop(vpn, None)

    def flush_asid(self, asid: int) -> None:
        read, write = self.open(asid)
        self._nr_forgotten += len(read)
        read.clear()
        write.clear()


@hookimpl
def kos_tlb_model(params: Params) -> TlbModel:
    geometry = params.options.get("tlb")
    return SetAssociative(*geometry) if isinstance(geometry, list | tuple) else SetAssociative()
