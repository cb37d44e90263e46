"""kos/plugin/guard*.py: each way to break a rule is stopped where it happens, by plugin, hook and rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from policy_box import PolicyBox, boot_policies

from kos.api import (
    PFN_MASK,
    PTE_P,
    PTE_U,
    PTE_W,
    Fault,
    FaultResult,
    SharedState,
    adopt_anon,
    alloc_page,
    find_pte,
    frames,
    free_page,
    put_page,
    share_range,
    shared,
    u64,
)
from kos.errors import PluginError
from kos.hw import ipi
from kos.hw.cpu import SUPERVISOR, cpu_block, this
from kos.hw.tlb import reached, slots
from kos.mm.dup import dup_mm
from kos.mm.mmap import MAP_ANONYMOUS, MAP_PRIVATE, do_mmap, do_munmap
from kos.mm.mprotect import do_mprotect
from kos.mm.policy import active
from kos.mm.structs import zone_lock
from kos.runtime import memory
from kos.sched.policy import in_use
from kos.sched.structs import run_queues, tasks
from kos.sync import spinlock
from kos_plugins.alloc_freelist import FreeListAllocator
from kos_plugins.fork_cow import CowFork
from kos_plugins.sched_rr import RoundRobin
from kos_plugins.shootdown_ipi import IpiShootdown
from kos_plugins.tlb_unlimited import Unlimited

P = 4096
ANON = MAP_PRIVATE | MAP_ANONYMOUS
Boot = Callable[..., PolicyBox]
HOOKS = {
    "fork": "kos_fork_policy",
    "alloc": "kos_page_allocator",
    "fault": "kos_fault_handlers",
    "shootdown": "kos_shootdown_protocol",
    "transport": "kos_transport",
    "tlb": "kos_tlb_model",
    "sched": "kos_scheduler",
}


@shared()
class Mine(SharedState):
    word: u64


mine = Mine()


def plugin(kind: str, policy: Any) -> Any:
    """A plugin named `bad` that gives this policy, and has a lock to keep."""
    body = SimpleNamespace(__name__="bad", kos_shared_state=lambda: mine)
    setattr(body, HOOKS[kind], lambda: policy)
    return body


@pytest.fixture
def boot() -> Iterator[Callable[..., PolicyBox]]:
    """Boot with one bad policy. No audit: the machine is broken, and would have stopped."""
    made: list[PolicyBox] = []

    def make(kind: str, policy: Any, **options: Any) -> PolicyBox:
        made.append(boot_policies([plugin(kind, policy)], settings={"guard": "plugins"}, **options))
        return made[-1]

    yield make
    spinlock.debug.check_order = False
    this.id = SUPERVISOR
    this.mm = None
    this.nr_held = 0


def broken(hook: str, rule: str) -> Any:
    """The block stops the machine, and blames the plugin `bad` for this rule of this hook."""
    return pytest.raises(PluginError, match=f"plugin 'bad', hook '{HOOKS[hook]}': {rule}")


# --- fork -----------------------------------------------------------------------------------------------------


class NoProtect(CowFork):
    def copy_range(self, old: Any, new: Any, vma: Any) -> None:
        share_range(old, new, vma.start, vma.end)
        at = find_pte(old.pgd, vma.start)
        frames.mem64[at] |= PTE_W


class NoFlush(CowFork):
    def must_flush(self) -> bool:
        return False


class NoCount(CowFork):
    def copy_range(self, old: Any, new: Any, vma: Any) -> None:
        super().copy_range(old, new, vma)
        from kos.mm.structs import page_mapcount

        page_mapcount.v[frames.mem64[find_pte(new.pgd, vma.start)] >> 12 & PFN_MASK] = 0


class KeepsLock(CowFork):
    def copy_range(self, old: Any, new: Any, vma: Any) -> None:
        mine.lock.acquire()


class Raises(CowFork):
    def copy_range(self, old: Any, new: Any, vma: Any) -> None:
        raise KeyError("oops")


class Nonsense(CowFork):
    def must_flush(self) -> Any:
        return "yes"


class DropsFrame(CowFork):
    def copy_range(self, old: Any, new: Any, vma: Any) -> None:
        super().copy_range(old, new, vma)
        free_page(frames.mem64[find_pte(new.pgd, vma.start)] >> 12 & PFN_MASK)


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (NoProtect(), r"copy_range\(\): 0x.*: frame \d+ is writable by the parent and mapped elsewhere too"),
        (NoFlush(), r"must_flush\(\): returned False, but 1 entries of the parent lost the right to write"),
        (NoCount(), r"copy_range\(\): 0x.*: frame \d+ is mapped by the child, with 2 references and mapcount 0"),
        (KeepsLock(), r"copy_range\(\): kept a lock: plugin bad.Mine"),
        (Raises(), r"copy_range\(\): raised KeyError: 'oops'"),
        (Nonsense(), r"must_flush\(\): returned 'yes', expected a bool"),
        (DropsFrame(), r"copy_range\(\): frame \d+ freed with 2 references, mapped 2 times"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, CowFork) else "",
)
def test_fork_policies(boot: Boot, policy: Any, rule: str) -> None:
    box = boot("fork", policy)
    mm = box.new_mm()
    memory.store64(do_mmap(mm, 0, P, 3, ANON), 1)

    with broken("fork", rule):
        dup_mm(mm)


# --- page allocators ------------------------------------------------------------------------------------------


class GivesTwice(FreeListAllocator):
    def alloc_bulk(self, count: int) -> list[int]:
        return [100] * min(count, 2)


class GivesForeign(FreeListAllocator):
    def alloc_bulk(self, count: int) -> list[int]:
        return [1 << 30]


class GivesTooMany(FreeListAllocator):
    def alloc_bulk(self, count: int) -> list[int]:
        return super().alloc_bulk(count + 1)


class GivesNone(FreeListAllocator):
    def alloc_bulk(self, count: int) -> Any:
        return None


class Forgets(FreeListAllocator):
    def free_bulk(self, pfns: Any) -> None:
        super().free_bulk(pfns)
        super().free_bulk(pfns)


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (GivesTwice(), r"alloc_bulk\(\): frame 100 handed out twice"),
        (GivesForeign(), r"alloc_bulk\(\): gave frame 1073741824, the machine's are 2 to 4095"),
        (GivesTooMany(), r"alloc_bulk\(\): gave \d+ frames, asked for \d+"),
        (GivesNone(), r"alloc_bulk\(\): returned None, expected a list"),
        (Forgets(), r"alloc_bulk\(\): frame \d+ handed out twice"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, FreeListAllocator) else "",
)
def test_page_allocators(boot: Boot, policy: Any, rule: str) -> None:
    with broken("alloc", rule):
        boot("alloc", policy)
        with zone_lock:
            got = active.alloc.alloc_bulk(10)
            active.alloc.free_bulk(got)
            active.alloc.alloc_bulk(20)


def test_a_double_free_is_blamed_on_who_did_it(boot: Boot) -> None:
    """free_bulk() of a frame that is not out: the caller is at fault, whichever allocator is in use."""
    boot("alloc", FreeListAllocator())
    with zone_lock:
        got = active.alloc.alloc_bulk(3)
        active.alloc.free_bulk(got)

        with broken("alloc", rf"free_bulk\(\): double free: frame {got[0]} is not handed out"):
            active.alloc.free_bulk(got)


# --- fault handlers ---------------------------------------------------------------------------------------------


class Handler:
    """A fault handler that is one function."""

    name = "handler"

    def __init__(self, handle: Callable[[Fault], Any]) -> None:
        self._handle = handle

    def handle(self, fault: Fault) -> Any:
        return self._handle(fault)


def maps_without_counting(fault: Fault) -> FaultResult:
    fault.set_entry(alloc_page() << 12 | PTE_P | PTE_U | PTE_W)
    return FaultResult.OK


def maps_a_free_frame(fault: Fault) -> FaultResult:
    fault.set_entry(4000 << 12 | PTE_P | PTE_U | PTE_W)
    return FaultResult.OK


def does_nothing(fault: Fault) -> FaultResult:
    return FaultResult.OK


def not_mine_but_changed(fault: Fault) -> None:
    fault.set_entry(alloc_page() << 12 | PTE_P | PTE_U | PTE_W)


def frees_twice(fault: Fault) -> None:
    pfn = alloc_page()
    put_page(pfn)
    put_page(pfn)


@pytest.mark.parametrize(
    ("handle", "rule"),
    [
        (lambda fault: True, r"handle\(\): returned True, expected a FaultResult"),
        (does_nothing, r"handle\(\): 0x.*: returned OK, but the entry does not permit the access"),
        (maps_without_counting, r"handle\(\): 0x.*: maps frame \d+ without counting it"),
        (maps_a_free_frame, r"handle\(\): 0x.*: maps frame 4000, which is free"),
        (not_mine_but_changed, r"handle\(\): 0x.*: returned None \(not mine\), but changed the entry"),
        (frees_twice, r"handle\(\): frame \d+: reference dropped that nobody held"),
        (lambda fault: mine.lock.acquire(), r"handle\(\): kept a lock: plugin bad.Mine"),
        (lambda fault: fault.nothing, r"handle\(\): raised AttributeError: "),
    ],
    ids=["nonsense", "nothing", "uncounted", "free", "changed", "double-free", "lock", "raises"],
)
def test_fault_handlers(boot: Boot, handle: Any, rule: str) -> None:
    box = boot("fault", Handler(handle))
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)

    with broken("fault", rule):
        memory.store64(a, 1)


def replace_entry(fault: Fault) -> FaultResult | None:
    """Copies a shared page as cow.py does, but sets the new entry before the old one is flushed."""
    if not fault.entry & PTE_P:
        return None
    pfn = alloc_page()
    adopt_anon(pfn, fault.mm.family, fault.vaddr >> 12)
    fault.set_entry(pfn << 12 | PTE_P | PTE_U | PTE_W)
    return FaultResult.OK


def test_an_entry_set_while_a_stale_one_is_live(boot: Boot) -> None:
    box = boot("fault", Handler(replace_entry))
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    memory.store64(a, 1)
    dup_mm(mm)

    with broken("fault", r"handle\(\): 0x.*: an entry for frame \d+ is set while the stale one for frame \d+ is live"):
        memory.store64(a, 2)


def test_a_frame_freed_while_it_is_mapped(boot: Boot) -> None:
    def handle(fault: Fault) -> None:
        if fault.entry & PTE_P:
            free_page(fault.entry >> 12 & PFN_MASK)

    box = boot("fault", Handler(handle))
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    memory.store64(a, 1)
    dup_mm(mm)

    with broken("fault", r"handle\(\): frame \d+ freed with 2 references, mapped 2 times"):
        memory.store64(a, 2)


# --- shootdown ------------------------------------------------------------------------------------------------------


class Lies(IpiShootdown):
    def flush(self, request: Any, stale: Any) -> bool:
        return True


class Early(IpiShootdown):
    def flush(self, request: Any, stale: Any) -> bool:
        if stale is None:
            return super().flush(request, stale)
        stale.release()
        return False


class Twice(IpiShootdown):
    def flush(self, request: Any, stale: Any) -> bool:
        reached.v[3] = 1 << 40  # the other CPU has flushed
        if stale is not None:
            stale.release()
        return True


class Defers(IpiShootdown):
    def flush(self, request: Any, stale: Any) -> bool:
        return False


@pytest.mark.parametrize(
    ("policy", "operation", "rule"),
    [
        (Lies(), do_munmap, r"flush\(\): returned True, but cpu 1 has not flushed 0x"),
        (Early(), do_munmap, r"flush\(\): stale.release\(\) frees frames before cpu 1 has flushed them"),
        (Twice(), do_munmap, r"flush\(\): called stale.release\(\) and returned True"),
        (Defers(), lambda mm, a, n: do_mprotect(mm, a, n, 1), r"flush\(\): returned False for a flush that may not be"),
    ],
    ids=["lies", "early", "twice", "defers"],
)
def test_shootdown_protocols(boot: Boot, policy: Any, operation: Any, rule: str) -> None:
    """CPU 1 runs a thread of the same process, and answers nobody."""
    box = boot("shootdown", policy, cpus=2)
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    memory.store64(a, 1)
    mm.cpumask[1] = 1
    cpu_block(1).lazy = 0
    reached.v[2], reached.v[3] = mm.ctx_id, mm.tlb_gen

    with broken("shootdown", rule):
        operation(mm, a, P)


# --- what belongs to a CPU ------------------------------------------------------------------------------------------


class Remembers(Unlimited):
    def flush_page(self, asid: int, vpn: int) -> None:
        pass


class Moves(Unlimited):
    def open(self, asid: int) -> Any:
        return {}, {}


class Permissive(Unlimited):
    def insert(self, asid: int, vpn: int, delta: int, writable: bool) -> None:
        super().insert(asid, vpn, delta, True)


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (Remembers(), r"flush_page\(\): page 0x5 of asid 1 is still there after its flush"),
        (Moves(), r"open\(\): returned other dicts for asid 1 than before"),
        (Permissive(), r"insert\(\): page 0x5: may be written, but was inserted as read-only"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Unlimited) else "",
)
def test_tlb_models(boot: Boot, policy: Any, rule: str) -> None:
    with broken("tlb", rule):
        boot("tlb", policy)
        slots.model.insert(1, 5, 4096, False)
        slots.model.flush_page(1, 5)


@pytest.mark.parametrize(
    ("result", "rule"),
    [
        ([(0, 1, 2)], r"receive\(\): returned the message \(0, 1, 2\), expected five ints"),
        ([(9, 1, 0, 0, 0)], r"receive\(\): a message from cpu 9, there are 1"),
        ([(0, 99, 0, 0, 0)], r"receive\(\): a message with vector 99, there are 8"),
        (None, r"receive\(\): returned None, expected a list"),
    ],
)
def test_transports(boot: Boot, result: Any, rule: str) -> None:
    transport = SimpleNamespace(name="t", send=lambda target, vector, a, b, c: True, receive=lambda: result)
    boot("transport", transport)

    with broken("transport", rule):
        ipi.wire.transport.receive()


class Loses(RoundRobin):
    def enqueue(self, rq: Any, task: Any, woken: bool) -> None:
        pass


class Sleeps(RoundRobin):
    def pick_next(self, rq: Any) -> None:
        return None


class Keeps(RoundRobin):
    def pick_next(self, rq: Any) -> Any:
        return tasks[rq.head]


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (Loses(), r"enqueue\(\): pid 7 is not on the queue: 0 tasks before, 0 now"),
        (Sleeps(), r"pick_next\(\): returned None, 1 tasks are queued"),
        (Keeps(), r"pick_next\(\): pid 7 is still on the queue: 1 tasks before, 1 now"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, RoundRobin) else "",
)
def test_schedulers(boot: Boot, policy: Any, rule: str) -> None:
    boot("sched", policy)
    rq, task = run_queues[1], tasks.alloc()
    rq.clear()
    assert task is not None
    task.pid, task.weight = 7, 1024

    with broken("sched", rule):
        in_use.scheduler.enqueue(rq, task, False)
        in_use.scheduler.pick_next(rq)


def test_the_report_has_the_events_before_it(boot: Boot) -> None:
    """The last events of this CPU stand below the blame."""
    box = boot("fork", Raises())
    mm = box.new_mm()
    memory.store64(do_mmap(mm, 0, P, 3, ANON), 1)

    with pytest.raises(PluginError) as caught:
        dup_mm(mm)

    notes = "\n".join(caught.value.__notes__)
    assert notes.startswith("events before it on this cpu:\n")
    assert "mm.page_fault  vaddr=0x" in notes


def test_shipped_policies_are_not_guarded_unless_asked() -> None:
    box = boot_policies(["fork_eager"], settings={"guard": "plugins"})
    assert type(active.fork).__name__ == "EagerFork"
    box.active.release()
    box = boot_policies(["fork_eager"], settings={"guard": "all"})
    assert type(active.fork).__name__ == "ForkGuard"
    box.active.release()
    this.id = SUPERVISOR
