"""Views of a machine from outside: who runs where, which process maps what.

The observer maps the arena and reads: no lock is taken and nothing is written, so a machine can be looked at
while it runs, while it hangs, and after its CPUs have died. What is read may be torn: every walk here is
bounded, and a line may be an instant old.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kos.arena.arena import Arena
from kos.errors import HostError
from kos.hw.cpu import cpu_block
from kos.mm.structs import VM_EXEC, VM_GROWSDOWN, VM_HEAP, VM_READ, VM_SHARED, VM_STACK, VM_WRITE, Vma, mms, vmas
from kos.params import PAGE_SHIFT
from kos.platform.host.clock import now_ns
from kos.platform.host.shm import names
from kos.report.histogram import bytes_size, duration
from kos.sched.structs import DEAD, FREE, STATE_LETTERS, Task, processes, tasks
from kos.sync.spinlock import lock_name

PREFIX = "kos-"
CPU_STATES = ("off", "booting", "running", "idle", "stopped")
_MAX_VMAS = 1 << 17  #: a walk longer than this follows a list that changes under it


@dataclass
class TaskView:
    """One task, as `ps -L` shows it. sizes in bytes."""

    pid: int
    tgid: int
    ppid: int
    cpu: int
    state: str
    vsz_bytes: int
    rss_bytes: int
    comm: str


@dataclass
class CpuView:
    """One CPU. beat_ns: ns since it last gave a sign of life."""

    cpu: int
    host_pid: int
    state: str
    current_pid: int
    beat_ns: int
    locks: list[str] = field(default_factory=list)


@dataclass
class VmaView:
    """One stretch of an address space; the words are those of /proc/PID/maps."""

    start: int
    end: int
    perms: str
    offset: int
    name: str


def machines() -> list[str]:
    """Names of the machines that there are on this host, without the prefix."""
    return [name.removeprefix(PREFIX) for name in names(PREFIX)]


def attach(name: str) -> Arena:
    """The arena of a machine by its name, with or without the prefix; HostError when there is none."""
    block = name if name.startswith(PREFIX) else PREFIX + name
    if "/" in name or block not in names(PREFIX):
        there = ", ".join(machines())
        raise HostError(f"no machine named {name!r} ({'there are: ' + there if there else 'none is running'})")
    return Arena.attach(block)


def cpu_views(arena: Arena) -> list[CpuView]:
    """Every CPU, in order."""
    now = now_ns()
    found = []
    for cpu in range(arena.params.cpus):
        c = cpu_block(cpu)
        state = CPU_STATES[c.state] if c.state < len(CPU_STATES) else str(c.state)
        held = [lock_name(lock) for lock in c.held if lock]
        found.append(CpuView(cpu, c.host_pid, state, c.current_pid, max(0, now - c.heartbeat), held))
    return found


def task_views() -> list[TaskView]:
    """Every task with a pid, by pid."""
    found = [_task_view(tasks[i]) for i in range(1, tasks.head.high + 1) if tasks[i].state not in (FREE, DEAD)]
    return sorted((t for t in found if t.pid), key=lambda t: t.pid)


def _task_view(t: Task) -> TaskView:
    process = processes[t.process]
    parent = processes[process.parent] if process.parent else None
    mm = mms[t.mm] if t.mm else None
    letter = STATE_LETTERS[t.state] if t.state < len(STATE_LETTERS) else "?"
    vsz, rss = (mm.total_vm << PAGE_SHIFT, mm.rss << PAGE_SHIFT) if mm is not None else (0, 0)
    comm = bytes(t.comm).decode("utf-8", "replace")
    return TaskView(t.pid, t.tgid, parent.pid if parent else 0, t.cpu, letter, vsz, rss, comm)


def vma_views(pid: int) -> list[VmaView]:
    """The address space of a process, lowest first; HostError when it has none."""
    task = next((tasks[i] for i in range(1, tasks.head.high + 1) if tasks[i].pid == pid and tasks[i].mm), None)
    if task is None:
        raise HostError(f"no process {pid} with an address space on this machine")
    found: list[VmaView] = []
    i = mms[task.mm].first_vma
    while i and len(found) < _MAX_VMAS:
        v = vmas[i]
        found.append(_vma_view(v))
        i = v.next
    return found


def _vma_view(v: Vma) -> VmaView:
    f = v.flags
    perms = "".join(letter if f & bit else "-" for letter, bit in (("r", VM_READ), ("w", VM_WRITE), ("x", VM_EXEC)))
    name = f"mapping {v.mapping}" if v.mapping else ""
    for bit, word in ((VM_STACK, "[stack]"), (VM_HEAP, "[heap]"), (VM_GROWSDOWN, "[grows down]")):
        if f & bit:
            name = word
            break
    offset = v.pgoff << PAGE_SHIFT if v.mapping else 0
    return VmaView(v.start, v.end, perms + ("s" if f & VM_SHARED else "p"), offset, name)


def render_cpus(arena: Arena) -> str:
    """What each CPU does now, and what it holds."""
    lines = [f"{arena.block.name}: {arena.params.cpus} CPUs, {bytes_size(arena.params.memory)}"]
    lines.append("  CPU  HOSTPID  STATE     CURRENT  LAST SEEN  LOCKS HELD")
    for c in cpu_views(arena):
        locks = ", ".join(c.locks) or "-"
        lines.append(
            f"  {c.cpu:>3}  {c.host_pid:>7}  {c.state:<8}  {c.current_pid or '-':>7}  {duration(c.beat_ns):>9}  {locks}"
        )
    return "\n".join(lines)


def render_tasks() -> str:
    """`ps -L`, of the machine."""
    lines = ["    PID    TGID    PPID  CPU  S     VSZ-K     RSS-K  COMM"]
    for t in task_views():
        vsz, rss = t.vsz_bytes >> 10, t.rss_bytes >> 10
        lines.append(f"{t.pid:>7} {t.tgid:>7} {t.ppid:>7}  {t.cpu:>3}  {t.state} {vsz:>9} {rss:>9}  {t.comm}")
    return "\n".join(lines)


def render_maps(pid: int) -> str:
    """/proc/PID/maps, as far as it can be told from outside."""
    lines = [f"{v.start:012x}-{v.end:012x} {v.perms} {v.offset:08x}  {v.name}".rstrip() for v in vma_views(pid)]
    return "\n".join(lines)
