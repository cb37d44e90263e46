"""/proc/<pid>/...: what a task looks like, in Linux's own formats (fs/proc/array.c, fs/proc/task_mmu.c).

Providers are called with tasklist_lock held. The task may be ending, so its address space is referenced for
as long as it is looked at; numbers that other CPUs change meanwhile are shown as they are read.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from kos.errors import GuestFault
from kos.fs.procfs import register, register_live
from kos.fs.procmachine import since_boot_ns
from kos.fs.structs import contexts, fd_tables
from kos.mm import views
from kos.mm.mm import mmput
from kos.mm.structs import Mm, mms, mms_lock
from kos.params import PAGE_SIZE, USER_TOP
from kos.sched.structs import (
    NSIG,
    STATE_LETTERS,
    ZOMBIE,
    Process,
    Task,
    machine,
    process_of,
    processes,
    sighands,
    threads_of,
)

USER_HZ = 100  #: units of times in /proc/<pid>/stat
_TICK_NS = 1_000_000_000 // USER_HZ
_KB = PAGE_SIZE >> 10  #: kB a page
_STATE_NAMES = {"R": "running", "S": "sleeping", "D": "disk sleep", "T": "stopped", "Z": "zombie", "X": "dead"}
_NAME_COLUMN = 73  #: where a mapping's name begins (25 + 8 * 6, show_map_vma)
_SIGPENDING = 11  #: the resource limit
_PAGEMAP_MAX = 8192  #: words that one read of pagemap gives at most


@contextmanager
def mm_of(task: Task) -> Iterator[Mm | None]:
    """The task's address space, kept alive meanwhile; None if it has none (any more)."""
    with mms_lock:
        mm = mms[task.mm] if task.mm else None
        if mm is not None:
            # A task gives up its reference only after it has said so in task.mm; at 0 the slot is being freed.
            if mm.users:
                mm.users += 1
            else:
                mm = None
    try:
        yield mm
    finally:
        if mm is not None:
            mmput(mm)


def _of(task: Task | None) -> Task:
    assert task is not None  # registered with of_task
    return task


# --- memory ---------------------------------------------------------------------------------------


def _map_line(m: views.MapView) -> str:
    dev = f"{m.dev >> 8 & 0xFFF:02x}:{m.dev & 0xFF:02x}"
    line = f"{m.start:08x}-{m.end:08x} {m.perms} {m.offset:08x} {dev} {m.inode} "
    name = m.name.replace("\n", "\\012")
    return (line.ljust(_NAME_COLUMN) + name if name else line) + "\n"


def _maps(task: Task | None) -> str:
    with mm_of(_of(task)) as mm:
        return "".join(_map_line(m) for m in views.maps(mm)) if mm else ""


def smap_rows(s: views.SmapView) -> list[tuple[str, int]]:
    """What smaps says of one mapping, in kB."""
    return [
        ("Size", s.size * _KB),
        ("KernelPageSize", _KB),
        ("MMUPageSize", _KB),
        ("Rss", s.rss * _KB),
        ("Pss", s.pss >> 10),
        ("Pss_Dirty", s.pss * (s.shared_dirty + s.private_dirty) // s.rss >> 10 if s.rss else 0),
        ("Shared_Clean", s.shared_clean * _KB),
        ("Shared_Dirty", s.shared_dirty * _KB),
        ("Private_Clean", s.private_clean * _KB),
        ("Private_Dirty", s.private_dirty * _KB),
        ("Referenced", s.referenced * _KB),
        ("Anonymous", s.anonymous * _KB),
        ("KSM", 0),
        ("LazyFree", 0),
        ("AnonHugePages", 0),
        ("ShmemPmdMapped", 0),
        ("FilePmdMapped", 0),
        ("Shared_Hugetlb", 0),
        ("Private_Hugetlb", 0),
        ("Swap", 0),
        ("SwapPss", 0),
        ("Locked", 0),
    ]


def text_of_rows(rows: list[tuple[str, int]]) -> str:
    return "".join(f"{name + ':':<16}{value:>8} kB\n" for name, value in rows)


def _smap(s: views.SmapView) -> str:
    letters = zip(s.map.perms, ("rd", "wr", "ex", "sh"), strict=True)
    flags = " ".join([name for letter, name in letters if letter not in "-p"] + ["mr", "mw", "me"])
    return _map_line(s.map) + text_of_rows(smap_rows(s)) + f"THPeligible:    {0:>8}\nVmFlags: {flags} \n"


def _smaps(task: Task | None) -> str:
    with mm_of(_of(task)) as mm:
        return "".join(_smap(s) for s in views.smaps(mm)) if mm else ""


def _pagemap(task: Task, pos: int, n: int) -> bytes:
    """Words of 8 bytes, one a page; a read that is not whole words is EINVAL, as in pagemap_read()."""
    if pos % 8 or n % 8:
        raise GuestFault(errno.EINVAL)
    first = pos // 8
    count = min(n // 8, _PAGEMAP_MAX, (USER_TOP // PAGE_SIZE) - first)
    with mm_of(task) as mm:
        if mm is None or count <= 0:
            return b""
        return struct.pack(f"<{count}Q", *views.pagemap(mm, first, count))


def _statm(task: Task | None) -> str:
    with mm_of(_of(task)) as mm:
        if mm is None:
            return "0 0 0 0 0 0 0\n"
        return f"{mm.total_vm} {mm.rss} {mm.rss_file} 0 0 {mm.data_vm + mm.stack_vm} 0\n"


# --- the task -------------------------------------------------------------------------------------


def _signal_masks(process: Process) -> tuple[int, int]:
    """(ignored, caught) as bit masks."""
    if not process.sighand:
        return 0, 0
    action = sighands[process.sighand].action
    ignored = sum(1 << sig - 1 for sig in range(1, NSIG + 1) if action[sig] == 1)
    caught = sum(1 << sig - 1 for sig in range(1, NSIG + 1) if action[sig] == 2)
    return ignored, caught


def _comm(task: Task) -> str:
    return task.comm.decode("utf-8", "replace")


def _ppid(process: Process) -> int:
    return int(processes[process.parent].pid) if process.parent else 0


def _letter(task: Task) -> str:
    return STATE_LETTERS[task.state]


def _stat(task: Task | None) -> str:
    t = _of(task)
    p = process_of(t)
    group = threads_of(p)
    ignored, caught = _signal_masks(p)
    with mm_of(t) as mm:
        size = mm.total_vm * PAGE_SIZE if mm else 0
        rss = mm.rss if mm else 0
        start_brk = mm.brk_start if mm else 0

    def total(field: str) -> int:
        """Of the tasks that are gone and those that are left."""
        return int(getattr(p, field)) + sum(int(getattr(x, field)) for x in group)

    fields = (
        *(_ppid(p), p.pgid, p.sid, 0, -1, 0x400000),
        *(total("min_flt"), p.c_min_flt, total("maj_flt"), p.c_maj_flt),
        *(total("utime_ns") // _TICK_NS, total("stime_ns") // _TICK_NS),
        *(p.c_utime_ns // _TICK_NS, p.c_stime_ns // _TICK_NS),
        *(20 + t.nice, t.nice, p.nr_live, 0, max(0, since_boot_ns(t.start_ns)) // _TICK_NS),
        *(size, rss, p.rlimits[2 * 5], 0, 0, t.stack_top, 0, 0),
        *(t.pending & 0x7FFFFFFF, t.blocked & 0x7FFFFFFF, ignored & 0x7FFFFFFF, caught & 0x7FFFFFFF),
        *(0, 0, 0, 17, t.cpu, 0, 0, 0, 0, 0),
        *(0, 0, start_brk, 0, 0, 0, 0, p.exit_status if t.state == ZOMBIE else 0),
    )
    return f"{t.pid} ({_comm(t)}) {_letter(t)} " + " ".join(str(int(x)) for x in fields) + "\n"


def _cpu_list(mask: int) -> str:
    """A CPU set as "0-3,5"."""
    cpus = [k for k in range(64) if mask >> k & 1]
    ranges: list[list[int]] = []
    for cpu in cpus:
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def _memory_rows(task: Task) -> list[tuple[str, object]]:
    with mm_of(task) as mm:
        if mm is None:
            return []
        shmem = views.rss_shmem(mm)
        pages = (
            ("VmPeak", max(mm.peak_vm, mm.total_vm)),
            ("VmSize", mm.total_vm),
            ("VmLck", 0),
            ("VmPin", 0),
            ("VmHWM", max(mm.peak_rss, mm.rss)),
            ("VmRSS", mm.rss),
            ("RssAnon", mm.rss_anon),
            ("RssFile", max(0, mm.rss_file - shmem)),
            ("RssShmem", shmem),
            ("VmData", mm.data_vm),
            ("VmStk", mm.stack_vm),
            ("VmExe", 0),
            ("VmLib", 0),
            ("VmPTE", mm.nr_tables),
            ("VmSwap", 0),
            ("HugetlbPages", 0),
        )
        rows: list[tuple[str, object]] = [(name, f"{n * _KB:>8} kB") for name, n in pages]
        return [*rows, ("CoreDumping", 0), ("THP_enabled", 0)]


def _status(task: Task | None) -> str:
    t = _of(task)
    p = process_of(t)
    letter = _letter(t)
    ignored, caught = _signal_masks(p)
    umask = contexts[t.fs].umask if t.fs else 0
    mask = int(t.affinity) & (1 << machine.s.nr_cpus) - 1
    uid = "\t".join([str(machine.s.uid)] * 4)
    gid = "\t".join([str(machine.s.gid)] * 4)
    rows: list[tuple[str, object]] = [
        ("Name", _comm(t)),
        ("Umask", f"{umask:04o}"),
        ("State", f"{letter} ({_STATE_NAMES[letter]})"),
        ("Tgid", t.tgid),
        ("Ngid", 0),
        ("Pid", t.pid),
        ("PPid", _ppid(p)),
        ("TracerPid", 0),
        ("Uid", uid),
        ("Gid", gid),
        ("FDSize", max(64, fd_tables[t.files].high) if t.files else 0),
        ("Groups", " "),
        ("NStgid", t.tgid),
        ("NSpid", t.pid),
        ("NSpgid", p.pgid),
        ("NSsid", p.sid),
        *_memory_rows(t),
        ("Threads", p.nr_live),
        ("SigQ", f"{(t.pending | p.shared_pending).bit_count()}/{min(int(p.rlimits[2 * _SIGPENDING]), 65535)}"),
        ("SigPnd", f"{t.pending:016x}"),
        ("ShdPnd", f"{p.shared_pending:016x}"),
        ("SigBlk", f"{t.blocked:016x}"),
        ("SigIgn", f"{ignored:016x}"),
        ("SigCgt", f"{caught:016x}"),
        ("NoNewPrivs", 0),
        ("Seccomp", 0),
        ("Cpus_allowed", f"{mask:x}"),
        ("Cpus_allowed_list", _cpu_list(mask)),
        ("Mems_allowed", "00000001"),
        ("Mems_allowed_list", 0),
        ("voluntary_ctxt_switches", t.nr_switches),
        ("nonvoluntary_ctxt_switches", t.nr_preempted),
    ]
    return "".join(f"{name}:\t{value}\n" for name, value in rows)


def _cmdline(task: Task | None) -> str:
    """The program's name; the arguments themselves are Python objects of the guest's, which nobody else can read."""
    t = _of(task)
    return _comm(t) + "\0" if t.mm else ""


def _limits(task: Task | None) -> str:
    rlimits = process_of(_of(task)).rlimits
    lines = [f"{'Limit':<26}{'Soft Limit':<21}{'Hard Limit':<21}Units     \n"]
    for k, (name, unit) in enumerate(_LIMITS):
        soft, hard = ("unlimited" if v == (1 << 64) - 1 else str(v) for v in rlimits[2 * k : 2 * k + 2])
        lines.append(f"{name:<26}{soft:<21}{hard:<21}{unit:<10}\n")
    return "".join(lines)


_LIMITS = (
    ("Max cpu time", "seconds"),
    ("Max file size", "bytes"),
    ("Max data size", "bytes"),
    ("Max stack size", "bytes"),
    ("Max core file size", "bytes"),
    ("Max resident set", "bytes"),
    ("Max processes", "processes"),
    ("Max open files", "files"),
    ("Max locked memory", "bytes"),
    ("Max address space", "bytes"),
    ("Max file locks", "locks"),
    ("Max pending signals", "signals"),
    ("Max msgqueue size", "bytes"),
    ("Max nice priority", ""),
    ("Max realtime priority", ""),
    ("Max realtime timeout", "us"),
)

register("maps", _maps, of_task=True)
register("smaps", _smaps, of_task=True)
register_live("pagemap", _pagemap)
register("stat", _stat, of_task=True)
register("statm", _statm, of_task=True)
register("status", _status, of_task=True)
register("cmdline", _cmdline, of_task=True)
register("limits", _limits, of_task=True)
