"""Constants of the machine and the sizes chosen at boot."""

from __future__ import annotations

from dataclasses import dataclass, field

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT  #: bytes
PAGE_MASK = ~(PAGE_SIZE - 1)
PTRS_PER_TABLE = 512  #: entries of one page table, 8 bytes each
USER_TOP = (1 << 47) - PAGE_SIZE  #: first address above user space (Linux: TASK_SIZE_MAX, four levels)
MAX_CPUS = 64
PID_MAX = 32768  #: pids wrap below this (Linux: /proc/sys/kernel/pid_max)
MIN_MEMORY = 4 << 20
MAX_MEMORY = 64 << 30
HZ = 200  #: timer ticks a second for a CPU that runs a guest


@dataclass(frozen=True)
class Params:
    """What a machine is made of: fixed at boot, written into the arena's header.

    cpus: 1..MAX_CPUS; memory: bytes of simulated physical memory, a multiple of PAGE_SIZE.
    options: every other setting (TLB geometry, overcommit mode, plugin options), by name.
    """

    cpus: int = 2
    memory: int = 64 << 20
    options: dict[str, object] = field(default_factory=dict)

    @property
    def nr_frames(self) -> int:
        """Frames of physical memory; pfn 0 is never handed out."""
        return self.memory >> PAGE_SHIFT

    @property
    def nr_tasks(self) -> int:
        """Slots of the task table, slot 0 unused."""
        return PID_MAX + 1024
