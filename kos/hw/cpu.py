"""struct Cpu, the control block of one simulated CPU, and `this`: the CPU that this host process is.

Words that only one side writes stand on cache lines of their own; each field names its writer.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Annotated, Any

from kos.arena.layout import Chars, Struct, i32, layout, u32, u64, word_index
from kos.arena.table import Table
from kos.params import MAX_CPUS
from kos.platform.host import depth

if TYPE_CHECKING:
    from kos.platform.host.doorbell import Doorbell

CPU_OFF, CPU_BOOTING, CPU_RUNNING, CPU_IDLE, CPU_STOPPED = range(5)  #: Cpu.state
MAX_HELD = 16  #: locks that one CPU can hold at once


@layout(size=1024)
class Cpu(Struct):
    """Control block of one CPU. Linux: per-CPU data. Slot = cpu number + 1."""

    # any CPU and the supervisor store 1, this CPU stores 0 before it looks at its queues:
    #: nonzero = something to look at; polled at safepoints and while waiting. FROM + a CPU's number: it has sent a
    #: message. Only a hint whose queue to look into first: the next sender overwrites it.
    pending: u64
    # the supervisor writes:
    tick: u64  #: timer ticks so far
    stop: u64  #: nonzero = leave the main loop
    line0: Annotated[Chars, ctypes.c_char * 40]

    # this CPU writes, others read:
    sleeping: u64  #: 1 = about to sleep on the doorbell, or asleep: ring it
    lazy: u64  #: 1 = idle: touches no user memory before it has looked at its mm's generation
    state: u32  #: CPU_*
    host_pid: u32
    current: u32  #: task slot that runs here; 0 = none
    current_pid: i32
    heartbeat: u64  #: ns, host clock: last time the main loop or a safepoint was seen
    nr_held: u64  #: locks held now
    held: Annotated[Any, ctypes.c_uint32 * MAX_HELD]  #: their lock ids, oldest first
    mm: u32  #: mm slot whose tables are loaded; 0 = the kernel's own
    asid: u32
    seen_tick: u64  #: ticks handled
    in_plugin: u32  #: number of the plugin's hook that runs here (kos/plugin/guard.py); 0 = none, or one that ships
    line1: Annotated[Chars, ctypes.c_char * 52]

    # this CPU writes: counters since boot, summed by the summary
    nr_switches: u64
    nr_syscalls: u64
    nr_ipis_sent: u64
    nr_ipis_received: u64
    nr_ticks: u64
    nr_forks: u64
    nr_exits: u64
    nr_fault_minor: u64  #: page faults resolved, of every kind
    nr_fault_zero: u64  #: demand-zero: a fresh frame
    nr_fault_zeropage: u64  #: read of an untouched page: the shared zero page
    nr_fault_file: u64  #: from the page cache
    nr_fault_cow_copy: u64
    nr_fault_cow_reuse: u64
    nr_fault_spurious: u64  #: somebody else had resolved it
    nr_fault_bad: u64  #: became SIGSEGV or SIGBUS
    nr_shootdowns: u64  #: started here
    nr_flush_pages: u64
    nr_flush_all: u64
    nr_tlb_hits: u64
    nr_tlb_misses: u64
    nr_frames_allocated: u64
    nr_frames_freed: u64
    nr_context_saves: u64
    nr_context_restores: u64
    nr_migrations: u64
    nr_signals: u64
    nr_host_signals: u64  #: times the host had to interrupt this CPU
    nr_oom: u64
    counters: Annotated[Any, ctypes.c_uint64 * 8]  #: free for plugins
    line2: Annotated[Chars, ctypes.c_char * 488]


cpus: Table[Cpu] = Table(Cpu, "cpus", MAX_CPUS + 2, words="Q")
PENDING, SLEEPING, LAZY = (word_index(Cpu, field) for field in ("pending", "sleeping", "lazy"))
FROM = 2  #: see Cpu.pending
SUPERVISOR = MAX_CPUS  #: the supervisor's number where one is needed (its own slot, rings, held locks)


class ThisCpu:
    """The CPU that this process is: caches of its control block, and what only it needs."""

    def __init__(self) -> None:
        self.id = SUPERVISOR
        self.nr_cpus = 1
        self.block: Cpu  #: control block in the arena
        self._watch(ctypes.c_uint64())
        self.held: memoryview = memoryview(bytearray(4 * MAX_HELD)).cast("I")
        self.nr_held = 0
        self.in_plugin: memoryview = memoryview(bytearray(4)).cast("I")  #: [0] is Cpu.in_plugin
        self.bells: list[Doorbell] = []  #: doorbells by cpu number; the supervisor's is last
        self.task: Any = None  #: kos.sched.structs.Task that is current; None = idle
        self.mm: Any = None  #: kos.mm.structs.Mm that is loaded; None = the kernel's own
        self.watch_depth(depth.ample())

    def become(self, cpu: int, nr_cpus: int) -> None:
        """Take over control block `cpu`; called once, in the new process."""
        self.id = cpu
        self.nr_cpus = nr_cpus
        block = cpus[cpu + 1]
        self.block = block
        base = ctypes.addressof(block)
        self._watch(ctypes.c_uint64.from_address(base + Cpu.pending.offset))  # type: ignore[attr-defined]  # ctypes field
        locks = (ctypes.c_uint32 * MAX_HELD).from_address(base + Cpu.held.offset)
        self.held = memoryview(locks).cast("B").cast("I")
        self.nr_held = 0
        number = ctypes.c_uint32.from_address(base + Cpu.in_plugin.offset)  # type: ignore[attr-defined]  # ctypes field
        self.in_plugin = memoryview(number).cast("B").cast("I")

    def watch_depth(self, room: memoryview) -> None:
        self.room = room  #: [0]: how many frames the guest, and the kernel below it, may yet go down
        self.has_room = depth.enough(room)  #: true if the kernel needs no more

    def _watch(self, word: ctypes.c_uint64) -> None:
        self.interrupted = word  #: Cpu.pending: true if it is not 0 (7 ns, an item of the view 20), to look at it
        self.pending = memoryview(word).cast("B").cast("Q")  #: [0] is the same word, to store into it


this = ThisCpu()


def cpu_block(cpu: int) -> Cpu:
    """Control block of a CPU by its number."""
    return cpus[cpu + 1]
