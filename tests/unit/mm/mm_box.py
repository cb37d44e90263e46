"""The memory of a machine, booted in this process, which is CPU 0; children that a test forks can be further CPUs."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import multiprocess

import kos.fs.structs
import kos.sched.structs  # noqa: F401  # declares its tables, as a real machine has them
from kos.arena.arena import Arena
from kos.audit.memory import audit_memory, audit_tlb
from kos.hw import ipi
from kos.hw.cpu import CPU_RUNNING, CPU_STOPPED, cpu_block, this
from kos.hw.relax import relax
from kos.mm import boot, policy, switch
from kos.mm.mm import mm_alloc, mmput
from kos.mm.structs import Mm
from kos.params import Params
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
    this.bells = [Doorbell() for _ in range(65)] if cpus > 1 else []
    this.task = this.mm = None
    for cpu in range(cpus):
        cpu_block(cpu).clear()
    boot.boot(params)
    memory.hooks.on_bad_access = _bad_access
    memory.hooks.on_out_of_memory = _no_memory
    return Box(arena, params)


def safepoint() -> None:
    """What compiled guest code does at every back-edge."""
    if this.pending[0]:
        ipi.poll_ipis()


def run_on_cpus(count: int, body: Callable[[int], None], seconds: float = 60.0) -> None:
    """Run body(cpu) on CPUs 1..count-1 as forked processes and on this one, CPU 0; all of them must return.

    Each leaves with its own TLB audited and no address space loaded. An error in one is an error here.
    """
    context = multiprocess.get_context("fork")
    failures = context.SimpleQueue()

    def main(cpu: int) -> None:
        try:
            this.become(cpu, count)
            this.mm = None
            boot.boot_cpu()
            body(cpu)
            problems = audit_tlb()
            if problems:
                failures.put(f"cpu {cpu}: {problems}")
            leave()
        except BaseException:
            failures.put(f"cpu {cpu}: {traceback.format_exc()}")
            for c in range(count):
                cpu_block(c).pending = 1  # they wait for us: let them look
        os._exit(0)

    def leave() -> None:
        """Stop using memory, and answer until everybody has."""
        switch.load_mm(None)
        this.block.state = CPU_STOPPED
        while any(cpu_block(c).state != CPU_STOPPED for c in range(count)):
            if time.monotonic() > end or not failures.empty():
                break
            relax()

    end = time.monotonic() + seconds
    for cpu in range(count):
        cpu_block(cpu).state = CPU_RUNNING
    others = [context.Process(target=main, args=(cpu,)) for cpu in range(1, count)]
    for p in others:
        p.start()
    watch = ipi.poll_hooks

    def check() -> None:
        if time.monotonic() > end:
            raise TimeoutError(f"not done within {seconds} s")
        if not failures.empty():
            raise AssertionError(failures.get())

    watch.append(check)
    try:
        body(0)
        leave()
        for p in others:
            p.join(max(0.1, end - time.monotonic()))
    finally:
        watch.remove(check)
        for p in others:
            if p.is_alive():
                p.kill()
                p.join()
    if not failures.empty():
        raise AssertionError(failures.get())
    if any(p.exitcode for p in others):
        raise AssertionError(f"exit codes {[p.exitcode for p in others]}")
