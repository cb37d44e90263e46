"""The memory of a machine, booted in this process, which is CPU 0; children that a test forks can be further CPUs."""

from __future__ import annotations

import os
import random
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import multiprocess
from multiprocess.connection import wait

import kos.fs.structs
import kos.sched.structs  # noqa: F401  # declares its tables, as a real machine has them
from kos.arena.arena import Arena
from kos.audit.memory import audit_memory, audit_tlb
from kos.errors import GuestFault
from kos.hw import ipi
from kos.hw.cpu import CPU_IDLE, CPU_RUNNING, CPU_STOPPED, MAX_HELD, SUPERVISOR, cpu_block, this
from kos.hw.relax import relax
from kos.mm import boot, policy, shootdown, switch
from kos.mm.dup import dup_mm
from kos.mm.mm import mm_alloc, mmput
from kos.mm.mmap import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, do_mmap, do_munmap
from kos.mm.mprotect import do_mprotect
from kos.mm.structs import Mm
from kos.params import MAX_CPUS, Params
from kos.platform.host.doorbell import Doorbell
from kos.runtime import memory
from kos.sync import spinlock
from kos_plugins.alloc_freelist import FreeListAllocator
from kos_plugins.fork_cow import CowFork
from kos_plugins.shootdown_ipi import IpiShootdown
from kos_plugins.tlb_setassoc import SetAssociative

_numbers = iter(range(1, 1_000_000))


class Segv(Exception):
    """A bad access of the test's own: (address, signal)."""


@dataclass
class Box:
    """The booted memory of a machine."""

    arena: Arena
    params: Params

    def new_mm(self) -> Mm:
        """A fresh address space, loaded on this CPU."""
        mm = mm_alloc()
        switch.load_mm(mm)
        return mm

    def drop(self, *spaces: Mm) -> None:
        """Their last users leave."""
        switch.load_mm(None)
        for mm in spaces:
            mmput(mm)

    def audit(self) -> list[str]:
        return audit_memory()


def _bad_access(vaddr: int, signal: int) -> None:
    raise Segv(hex(vaddr), signal)


def _no_memory(vaddr: int) -> None:
    raise MemoryError(hex(vaddr))


def boot_box(cpus: int = 1, memory_bytes: int = 16 << 20, **options: Any) -> Box:
    """Boot memory management with the default policies, in this process."""
    params = Params(cpus, memory_bytes, options)
    arena = Arena.create(f"kos-unit-{os.getpid()}-{next(_numbers)}", params)
    arena.block.unlink()  # forked children inherit the mapping; nobody needs the name
    spinlock.renew_all()
    spinlock.debug.check_order = True
    policy.reset()
    policy.use("fork", CowFork())
    policy.use("alloc", FreeListAllocator())
    policy.use("shootdown", IpiShootdown())
    policy.use("tlb", SetAssociative(*options.get("tlb", (64, 4))))
    ipi.wire.transport = ipi.RingTransport()
    this.become(0, cpus)
    renew_bells(cpus)
    this.task = this.mm = None
    for cpu in range(cpus):
        cpu_block(cpu).clear()
    boot.boot(params)
    memory.hooks.on_bad_access = _bad_access
    memory.hooks.on_out_of_memory = _no_memory
    return Box(arena, params)


def renew_bells(cpus: int) -> None:
    """Doorbells for a machine of several CPUs; those of the machine before are given back."""
    for bell in this.bells:
        bell.close()
    this.bells = [Doorbell() for _ in range(SUPERVISOR + 1)] if cpus > 1 else []


def shoot_at_everybody(mm: Mm, a: int, cpu: int, cpus: int, turns: int) -> None:
    """One CPU's part: map, protect, unmap, fork and store in the 16 pages from `a` on, as all the others do.

    Each page holds its own number or zero, whoever wrote it: a stale translation would show another's.
    """
    switch.load_mm(mm)
    rng = random.Random(cpu)
    for _ in range(turns):
        n = rng.randrange(16)
        at = a + n * 4096
        op = rng.randrange(10)
        try:
            if op < 4:
                memory.store64(at + 8 * cpu, n + 1)
            elif op < 6:
                for k in range(cpus):
                    assert memory.load64(at + 8 * k) in (0, n + 1)
            elif op == 6:
                do_munmap(mm, at, 4096 * rng.randrange(1, 3))
            elif op == 7:
                do_mprotect(mm, at, 4096, rng.choice((1, 3)))
            elif op == 8:
                do_mmap(mm, at, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
            else:
                child = dup_mm(mm)
                switch.load_mm(child)
                memory.load64(at)
                memory.store64(at, n + 1)
                switch.load_mm(mm)
                mmput(child)
        except Segv:
            if this.mm is not mm:
                child = this.mm
                switch.load_mm(mm)
                mmput(child)
        except GuestFault:
            pass
        if rng.randrange(20) == 0:
            switch.enter_lazy()
            switch.leave_lazy()
        while this.pending[0]:  # the way out of a system call: what was put off is done
            ipi.poll_ipis()


def safepoint() -> None:
    """What compiled guest code does at every back-edge."""
    if this.pending[0]:
        ipi.poll_ipis()


def run_on_cpus(count: int, body: Callable[[int], None], seconds: float = 60.0) -> None:
    """Run body(cpu) on CPUs 1..count-1 as forked processes and on this one, CPU 0; all of them must return.

    When the last has returned, each audits its own TLB, loads no address space, and answers until all have left.
    An error in one is an error here. A tick makes each CPU look up from its waits: at the time limit each says where
    it is, which locks it holds, and whose answers it waits for.
    """
    context = multiprocess.get_context("fork")
    failures = context.SimpleQueue()
    end = time.monotonic() + seconds
    arrived = [CPU_IDLE, CPU_STOPPED]

    def check() -> None:
        if time.monotonic() > end:
            raise TimeoutError(f"cpu {this.id} is not done within {seconds} s; {describe(count)}")
        if this.id and not failures.empty():
            raise Stopped
        if not this.id and not failures.empty():
            raise AssertionError(failures.get())

    def all_reach(state: int) -> None:
        """Answer until every CPU has come this far."""
        this.block.state = state
        while any(cpu_block(c).state not in arrived[arrived.index(state) :] for c in range(count)):
            relax()

    def work(cpu: int) -> None:
        body(cpu)
        # While another CPU changes the tables our TLB may lawfully be behind them: audit when all is quiet.
        all_reach(CPU_IDLE)
        problems = audit_tlb()
        assert not problems, problems
        switch.load_mm(None)
        all_reach(CPU_STOPPED)

    def main(cpu: int) -> None:
        status = 0
        try:
            this.become(cpu, count)
            this.mm = None
            boot.boot_cpu()
            work(cpu)
        except Stopped:
            status = 2
        except BaseException:
            failures.put(f"cpu {cpu}: {traceback.format_exc()}")
            status = 1
        os._exit(status)

    def tick() -> None:
        while not stop_ticking.wait(0.05):
            for p in others:
                died = wait([p.sentinel], 0) and cpu_block(int(p.name)).state != CPU_STOPPED
                if died and failures.empty():
                    failures.put(f"cpu {p.name} died")
            for cpu in range(count):
                cpu_block(cpu).pending = 1

    for cpu in range(count):
        cpu_block(cpu).state = CPU_RUNNING
    others = [context.Process(target=main, args=(cpu,), name=str(cpu)) for cpu in range(1, count)]
    stop_ticking = threading.Event()
    ticker = threading.Thread(target=tick)
    ipi.poll_hooks.append(check)
    try:
        for p in others:
            p.start()
        ticker.start()
        work(0)
        for p in others:
            p.join(max(0.1, end - time.monotonic()))
    finally:
        ipi.poll_hooks.remove(check)
        stop_ticking.set()
        ticker.join()
        for p in others:
            if p.is_alive():
                p.join(2)  # a CPU that fails tells its own story first
                p.kill()
                p.join()
    if not failures.empty():
        raise AssertionError(failures.get())
    if any(p.exitcode for p in others):
        raise AssertionError(f"exit codes {[p.exitcode for p in others]}")


@contextmanager
def answering_cpu(mm: Mm) -> Iterator[list[tuple[int, int, int]]]:
    """A CPU 1 that uses the address space and only answers; what it was asked to forget: (start, end, generation)."""
    slot = shootdown.flush_slots[this.id + 1]
    asked: list[tuple[int, int, int]] = []

    def answer() -> None:
        if slot.seq != slot.done:
            asked.append((slot.start, slot.end, slot.gen))
            shootdown.flush_acks.v[this.id * (MAX_CPUS + 1) + 1] = slot.seq
        this.pending[0] = 1

    ipi.poll_hooks.insert(0, answer)  # first: a protocol may wait for the answer in a hook of its own
    this.pending[0] = 1
    mm.cpumask[1] = 1
    try:
        yield asked
    finally:
        ipi.poll_hooks.remove(answer)
        mm.cpumask[1] = 0
        this.pending[0] = 0


class Stopped(Exception):
    """Another CPU has failed."""


def describe(count: int) -> str:
    """What each CPU holds and whom it waits for."""
    lines = []
    for cpu in range(count):
        block, slot = cpu_block(cpu), shootdown.flush_slots[cpu + 1]
        locks = [spinlock.lock_name(block.held[k]) for k in range(MAX_HELD) if block.held[k]]
        acks = [shootdown.flush_acks.v[cpu * (MAX_CPUS + 1) + c] for c in range(count)]
        lines.append(
            f"cpu {cpu}: state {block.state} pending {block.pending} lazy {block.lazy} holds {locks} "
            f"flush {slot.done}/{slot.seq} acknowledged {acks}"
        )
    return "; ".join(lines)
