"""A machine's memory in this process, with plugins as `-p` would give them; every policy is guarded."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kos.arena.arena import Arena
from kos.hw.cpu import cpu_block, this
from kos.mm import boot
from kos.params import Params
from kos.plugin.load import Active, activate
from kos.runtime import memory
from kos.sync import spinlock

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "mm"))

import mm_box

_numbers = iter(range(1, 1_000_000))


class PolicyBox(mm_box.Box):
    """The booted memory of a machine, and its plugins."""

    active: Active


def boot_policies(
    plugins: Sequence[object] = (),
    *,
    cpus: int = 1,
    memory_bytes: int = 16 << 20,
    settings: Mapping[str, str] | None = None,
    **options: Any,
) -> PolicyBox:
    """Boot memory management in this process, which is CPU 0, with the policies that these plugins give."""
    settings = {"guard": "all", **(settings or {})}
    params = Params(cpus, memory_bytes, {"tlb": [64, 4], "settings": settings, **options})
    active = activate(plugins, settings, params)
    arena = Arena.create(f"kos-policies-{os.getpid()}-{next(_numbers)}", params)
    arena.block.unlink()
    spinlock.renew_all()
    spinlock.debug.check_order = True
    this.become(0, cpus)
    mm_box.renew_bells(cpus)
    this.task = this.mm = None
    for cpu in range(cpus):
        cpu_block(cpu).clear()
    active.install()
    boot.boot(params)
    memory.hooks.on_bad_access = mm_box._bad_access  # type: ignore[method-assign]
    memory.hooks.on_out_of_memory = mm_box._no_memory  # type: ignore[method-assign]
    box = PolicyBox(arena, params)
    box.active = active
    return box
