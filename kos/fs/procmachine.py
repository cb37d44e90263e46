"""/proc/meminfo, stat, vmstat, interrupts and other texts about the machine, in Linux's own formats."""

from __future__ import annotations

from kos.arena.layout import Struct, i64, layout, u64
from kos.arena.table import Alone
from kos.fs.procfs import register
from kos.hw.cpu import CPU_RUNNING, Cpu, cpu_block
from kos.mm import views
from kos.mm.structs import totals
from kos.params import HZ, PAGE_SIZE
from kos.platform.host.clock import now_ns, wall_ns
from kos.sched.structs import STATE_LETTERS, Task, machine, run_queues, tasks

_KB = PAGE_SIZE >> 10
_USER_HZ = 100
_VMALLOC_KB = (1 << 35) - 4  #: Linux: half of the addresses that the kernel has for it
VERSION = "Linux version 6.0.0-kos (kos) #1 SMP"


@layout(size=16)
class BootTime(Struct):
    """When the machine was booted; constant."""

    monotonic_ns: u64  #: host clock
    wall_ns: i64


boot_time: Alone[BootTime] = Alone(BootTime, "boot_time")


def boot() -> None:
    """Look at the clocks; in the parent."""
    boot_time.s.monotonic_ns = now_ns()
    boot_time.s.wall_ns = wall_ns()


def since_boot_ns(at_ns: int | None = None) -> int:
    """Nanoseconds from boot to `at_ns`, a reading of the host's clock (None: now)."""
    return (now_ns() if at_ns is None else at_ns) - boot_time.s.monotonic_ns


def _cpus() -> list[Cpu]:
    return [cpu_block(cpu) for cpu in range(machine.s.nr_cpus)]


def _meminfo(task: Task | None) -> str:
    m = views.meminfo()
    rows = (
        ("MemTotal", m.total),
        ("MemFree", m.free),
        ("MemAvailable", m.free),
        ("Buffers", 0),
        ("Cached", m.cached),
        ("SwapCached", 0),
        ("Active", m.anonymous + m.cached),
        ("Inactive", 0),
        ("Active(anon)", m.anonymous + m.cached),  # files live in memory: Linux counts tmpfs here
        ("Inactive(anon)", 0),
        ("Active(file)", 0),
        ("Inactive(file)", 0),
        ("Unevictable", 0),
        ("Mlocked", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Dirty", 0),
        ("Writeback", 0),
        ("AnonPages", m.anonymous),
        ("Mapped", m.mapped),
        ("Shmem", m.cached),
        ("KReclaimable", 0),
        ("Slab", 0),
        ("SReclaimable", 0),
        ("SUnreclaim", 0),
        ("KernelStack", 0),
        ("PageTables", m.page_tables),
        ("SecPageTables", 0),
        ("NFS_Unstable", 0),
        ("Bounce", 0),
        ("WritebackTmp", 0),
        ("CommitLimit", m.commit_limit),
        ("Committed_AS", m.committed),
        ("VmallocTotal", _VMALLOC_KB // _KB),
        ("VmallocUsed", 0),
        ("VmallocChunk", 0),
        ("Percpu", 0),
        ("AnonHugePages", 0),
        ("ShmemHugePages", 0),
        ("FileHugePages", 0),
    )
    text = "".join(f"{name + ':':<16}{pages * _KB:>8} kB\n" for name, pages in rows)
    # Numbers of huge pages, not sizes: nobody has set any aside.
    text += "".join(f"HugePages_{kind + ':':<8}{0:>6}\n" for kind in ("Total", "Free", "Rsvd", "Surp"))
    return text + f"Hugepagesize:   {2048:>8} kB\nHugetlb:        {0:>8} kB\n"


def _vmstat(task: Task | None) -> str:
    m = views.meminfo()
    cpus = _cpus()

    def total(name: str) -> int:
        return sum(int(getattr(cpu, name)) for cpu in cpus)

    rows = (
        ("nr_free_pages", m.free),
        ("nr_anon_pages", m.anonymous),
        ("nr_mapped", m.mapped),
        ("nr_file_pages", m.cached),
        ("nr_shmem", m.cached),
        ("nr_dirty", 0),
        ("nr_writeback", 0),
        ("nr_slab_reclaimable", 0),
        ("nr_slab_unreclaimable", 0),
        ("nr_kernel_stack", 0),
        ("nr_page_table_pages", m.page_tables),
        ("pgpgin", 0),
        ("pgpgout", 0),
        ("pswpin", 0),
        ("pswpout", 0),
        ("pgalloc_normal", total("nr_frames_allocated")),
        ("pgfree", total("nr_frames_freed")),
        ("pgfault", total("nr_fault_minor")),
        ("pgmajfault", 0),
        ("pgactivate", 0),
        ("pgdeactivate", 0),
        ("pgreuse", total("nr_fault_cow_reuse")),
        ("oom_kill", totals.s.nr_oom),
        ("nr_tlb_remote_flush", total("nr_shootdowns")),
        ("nr_tlb_remote_flush_received", total("nr_ipis_received")),
        ("nr_tlb_local_flush_all", total("nr_flush_all")),
        ("nr_tlb_local_flush_one", total("nr_flush_pages")),
    )
    return "".join(f"{name} {value}\n" for name, value in rows)


def _interrupts(task: Task | None) -> str:
    cpus = _cpus()
    rows = (
        ("LOC", "nr_ticks", "Local timer interrupts"),
        ("IPI", "nr_ipis_received", "Interprocessor interrupts"),
        ("TLB", "nr_shootdowns", "TLB shootdowns"),
    )
    head = "           " + "".join(f"CPU{k:<8}" for k in range(len(cpus))) + "\n"
    lines = [
        f"{name:>3}: " + "".join(f"{getattr(cpu, field):>10} " for cpu in cpus) + f"  {text}\n"
        for name, field, text in rows
    ]
    return head + "".join(lines) + f"ERR: {0:>10}\nMIS: {0:>10}\n"


def _stat(task: Task | None) -> str:
    """Busy time is counted in ticks, as Linux does without CONFIG_VIRT_CPU_ACCOUNTING."""
    cpus = _cpus()
    elapsed = since_boot_ns() * _USER_HZ // 1_000_000_000
    busy = [int(cpu.nr_ticks) * _USER_HZ // HZ for cpu in cpus]
    idle = [max(0, elapsed - b) for b in busy]
    lines = [f"cpu  {sum(busy)} 0 0 {sum(idle)} 0 0 0 0 0 0\n"]
    lines += [f"cpu{k} {busy[k]} 0 0 {idle[k]} 0 0 0 0 0 0\n" for k in range(len(cpus))]
    lines.append(f"intr {sum(cpu.nr_ipis_received + cpu.nr_ticks for cpu in cpus)}\n")
    lines.append(f"ctxt {sum(cpu.nr_switches for cpu in cpus)}\n")
    lines.append(f"btime {boot_time.s.wall_ns // 1_000_000_000}\n")
    lines.append(f"processes {machine.s.nr_forks}\n")
    lines.append(f"procs_running {_nr_running()}\n")
    lines.append(f"procs_blocked {sum(1 for t in tasks.used() if STATE_LETTERS[t.state] == 'D')}\n")
    lines.append("softirq " + " ".join(["0"] * 11) + "\n")
    return "".join(lines)


def _nr_running() -> int:
    on_queues = sum(run_queues[k + 1].nr_queued for k in range(machine.s.nr_cpus))
    return int(on_queues + sum(1 for cpu in _cpus() if cpu.state == CPU_RUNNING and cpu.current))


def _uptime(task: Task | None) -> str:
    up = since_boot_ns() / 1e9
    idle = sum(max(0.0, up - cpu.nr_ticks / HZ) for cpu in _cpus())
    return f"{up:.2f} {idle:.2f}\n"


def _loadavg(task: Task | None) -> str:
    running = _nr_running()
    return f"{running:.2f} {running:.2f} {running:.2f} {running}/{machine.s.nr_tasks} {machine.s.last_pid}\n"


def _cpuinfo(task: Task | None) -> str:
    text = (
        "processor\t: {}\nvendor_id\t: kos\nmodel name\t: kos simulated x86-64\n"
        "address sizes\t: 46 bits physical, 48 bits virtual\n\n"
    )
    return "".join(text.format(k) for k in range(machine.s.nr_cpus))


def _version(task: Task | None) -> str:
    return VERSION + "\n"


register("meminfo", _meminfo)
register("vmstat", _vmstat)
register("interrupts", _interrupts)
register("stat", _stat)
register("uptime", _uptime)
register("loadavg", _loadavg)
register("cpuinfo", _cpuinfo)
register("version", _version)
