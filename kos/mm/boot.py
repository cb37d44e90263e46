"""Bringing memory management up: in the parent, after the arena is bound and the policies are chosen."""

from __future__ import annotations

from kos.hw.tlb import slots
from kos.mm import anon, cow, filemap, limits, shootdown, vma
from kos.mm.fault import kernel
from kos.mm.page_alloc import boot_zone
from kos.mm.policy import active
from kos.params import Params


def boot(params: Params) -> None:
    """Frames to the allocator, an empty TLB, the kernel's fault handlers, the flush vector, the limits."""
    vma.reset()
    boot_zone(params)
    limits.boot(params)
    slots.boot(active.tlb)
    shootdown.boot()
    kernel.anon = anon.handle
    kernel.file = filemap.handle
    kernel.write_protected = cow.handle


def boot_cpu() -> None:
    """In each CPU process, after this.become(): its TLB is its own and empty."""
    slots.boot(active.tlb)
