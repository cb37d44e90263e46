"""The memory of a machine, booted in this process, which is CPU 0; children that a test forks can be further CPUs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import kos.fs.structs
import kos.sched.structs  # noqa: F401  # declares its tables, as a real machine has them
from kos.arena.arena import Arena
from kos.audit.memory import audit_memory
from kos.hw import ipi
from kos.hw.cpu import cpu_block, this
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
