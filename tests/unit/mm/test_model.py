"""Address spaces against a simple model: a dict of pages for each process, whatever is done to them."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mm_box import Segv

from kos.errors import GuestFault
from kos.mm import policy, switch
from kos.mm.dup import dup_mm
from kos.mm.madvise import MADV_DONTNEED, do_madvise
from kos.mm.minherit import INHERIT_COPY, INHERIT_SHARE, INHERIT_ZERO, do_minherit
from kos.mm.mm import mmput
from kos.mm.mmap import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, do_mmap, do_munmap
from kos.mm.mprotect import do_mprotect
from kos.mm.mremap import MREMAP_FIXED, MREMAP_MAYMOVE, do_mremap
from kos.mm.structs import Mm
from kos.runtime import memory
from kos_plugins.fork_cow import CowFork
from kos_plugins.fork_eager import EagerFork

P = 4096
BASE = 0x4000_001F_D000  # so that the window lies across two leaf tables
PAGES = 6


@dataclass
class Cell:
    """One page's contents; shared by all that share the page."""

    value: int = 0


@dataclass
class Page:
    """One page of a process: where its contents are, what may be done, what fork does."""

    cell: Cell
    prot: int
    shared: bool
    inherit: int = 1  # as INHERIT_*: 0 share, 1 copy, 3 zero


@dataclass
class Proc:
    mm: Mm
    pages: dict[int, Page] = field(default_factory=dict)

    def fork(self) -> Proc:
        child = Proc(dup_mm(self.mm))
        for n, p in self.pages.items():
            if p.inherit == INHERIT_ZERO:
                child.pages[n] = Page(Cell(), p.prot, False, p.inherit)
            elif p.shared and p.inherit != INHERIT_COPY:
                child.pages[n] = Page(p.cell, p.prot, True, p.inherit)
            else:
                child.pages[n] = Page(Cell(p.cell.value), p.prot, False, INHERIT_COPY)
        return child


ops = st.tuples(
    st.sampled_from(
        "map map share unmap protect store store load fork switch exit dontneed zero copy inherit_share move".split()
    ),
    st.integers(0, PAGES - 1),
    st.integers(1, 3),
    st.integers(0, 255),
)


def errno_of(call: Callable[..., object], *args: object) -> int:
    try:
        call(*args)
    except GuestFault as e:
        return e.errno
    return 0


def step(procs: list[Proc], op: str, first: int, count: int, value: int) -> list[Proc]:
    """Do one thing to the first process, and to its model; the processes afterwards."""
    me = procs[0]
    mm = me.mm
    span = range(first, min(PAGES, first + count))
    addr, length = BASE + first * P, len(span) * P
    holes = any(n not in me.pages for n in span)
    if op in ("map", "share"):
        kind = MAP_SHARED if op == "share" else MAP_PRIVATE
        do_mmap(mm, addr, length, 3, kind | MAP_ANONYMOUS | MAP_FIXED)
        for n in span:
            me.pages[n] = Page(Cell(), 3, op == "share", INHERIT_SHARE if op == "share" else INHERIT_COPY)
    elif op == "unmap":
        do_munmap(mm, addr, length)
        for n in span:
            me.pages.pop(n, None)
    elif op == "protect":
        prot = value % 4 if value % 4 != 2 else 3
        assert errno_of(do_mprotect, mm, addr, length, prot) == (errno.ENOMEM if holes else 0)
        for n in span:
            if n not in me.pages:
                break  # the pages before a hole are changed
            me.pages[n].prot = prot
    elif op == "dontneed":
        assert errno_of(do_madvise, mm, addr, length, MADV_DONTNEED) == (errno.ENOMEM if holes else 0)
        for n in span:
            if n in me.pages and not me.pages[n].shared:
                me.pages[n].cell = Cell()
    elif op in ("zero", "copy", "inherit_share"):
        how = {"zero": INHERIT_ZERO, "copy": INHERIT_COPY, "inherit_share": INHERIT_SHARE}[op]
        do_minherit(mm, addr, length, how)
        for n in span:
            if n in me.pages:
                p = me.pages[n]
                if how == INHERIT_SHARE and not p.shared:
                    p.cell, p.shared = Cell(p.cell.value), True
                p.inherit = how
    elif op == "move":
        target = (first + count) % PAGES
        alike = {(me.pages[n].prot, me.pages[n].shared, me.pages[n].inherit) for n in span if n in me.pages}
        if holes or len(alike) != 1 or len(span) != 1 or target in span:
            return procs
        do_mremap(mm, addr, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, BASE + target * P)
        me.pages[target] = me.pages.pop(first)
    elif op in ("store", "load"):
        p = me.pages.get(first)
        allowed = p is not None and p.prot & (2 if op == "store" else 3)
        if not allowed or p is None:
            with pytest.raises(Segv):
                memory.store8(addr + 5, value) if op == "store" else memory.load8(addr + 5)
        elif op == "store":
            memory.store8(addr + 5, value)
            p.cell.value = value
        else:
            assert memory.load8(addr + 5) == p.cell.value
    elif op == "fork" and len(procs) < 5:
        procs = [*procs, me.fork()]
    elif op == "switch":
        procs = [*procs[1:], me]
        switch.load_mm(procs[0].mm)
    elif op == "exit" and len(procs) > 1:
        procs = procs[1:]
        switch.load_mm(procs[0].mm)
        mmput(mm)
    return procs


def check(procs: list[Proc]) -> None:
    for proc in procs:
        switch.load_mm(proc.mm)
        for n in range(PAGES):
            p = proc.pages.get(n)
            if p is not None and p.prot:
                assert memory.load8(BASE + n * P + 5) == p.cell.value, f"page {n}"
            else:
                with pytest.raises(Segv):
                    memory.load8(BASE + n * P + 5)
    switch.load_mm(procs[0].mm)


@pytest.mark.parametrize("fork", [CowFork, EagerFork])
@pytest.mark.parametrize("tlb", [(64, 4), (2, 1)])
def test_any_history_leaves_what_the_model_says(make_box: Callable[..., Any], fork: type, tlb: tuple[int, int]) -> None:
    """mmap, munmap, mprotect, madvise, minherit, mremap, fork, exit and stores in any order."""
    box = make_box(tlb=tlb, settings={"poison": "1"})
    policy.use("fork", fork())

    @settings(max_examples=settings().max_examples // 4)
    @given(st.lists(ops, min_size=15, max_size=50))
    def run(history: list[tuple[str, int, int, int]]) -> None:
        procs = [Proc(box.new_mm())]
        step(procs, "map", 0, PAGES, 0)
        for n in range(0, PAGES, 2):
            step(procs, "store", n, 1, n)
        try:
            for op, first, count, value in history:
                procs = step(procs, op, first, count, value)
                assert box.audit() == []
            check(procs)
            assert box.audit() == []
        finally:
            box.drop(*(p.mm for p in procs))
        assert box.audit() == []

    run()
