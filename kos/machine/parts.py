"""The parts of a machine, put together: which modules declare arena segments, who is booted in which order.

Upward effects go through tables and hooks that are filled here, so that no layer imports a higher one.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import FrameType, FunctionType
from typing import TYPE_CHECKING, Any

import kos
from kos.errors import KernelBug
from kos.hw.cpu import cpu_block, this
from kos.machine.config import MachineConfig
from kos.params import Params
from kos.platform.host import process as host
from kos.platform.host.rights import capabilities
from kos.sync.spinlock import lock_name

if TYPE_CHECKING:
    from kos.sched.structs import Task

#: Modules that declare arena segments, themselves or through what they import.
_SEGMENTS = (
    "kos.hw.cpu", "kos.hw.ipi", "kos.machine.control", "kos.mm.boot", "kos.sched.sched", "kos.fs.boot", "kos.proc.init",
    "kos.syscall.table", "kos.syscall.files", "kos.syscall.memory", "kos.syscall.process", "kos.syscall.signals",
    "kos.syscall.clocks",
)  # fmt: skip
_CALLS = ("files", "memory", "process", "signals", "clocks")
_HOME = os.path.dirname(os.path.abspath(kos.__file__)) + os.sep
_KERNEL = tuple(_HOME + part + os.sep for part in ("fs", "hw", "mm", "plugin", "proc", "sched", "sync"))

_prepared = False


def declare(config: MachineConfig) -> Any:
    """Import everything that declares a segment, and load the plugins; before the arena is sized."""
    for name in _SEGMENTS:
        importlib.import_module(name)
    from kos.plugin.load import activate

    return activate(config.plugins, config.settings, config.params())


def prepare_guests() -> None:
    """Once a host process: compile and run the shared guest code, and number the objects that all CPUs have."""
    global _prepared
    if _prepared:
        return
    _prepared = True
    from kos.runtime import importer, kernelcall, libraries, program, snapshot, templates, world
    from kos.runtime.freeze import static
    from kos.stdlib import kernel
    from kos.syscall import entry, table

    for part in _CALLS:
        importlib.import_module(f"kos.syscall.{part}")
    calls = entry.namespace(table.CALLS)
    kos_module = entry.kos_module(calls, world)
    libraries.provided["_kos"] = kos_module
    from kos.runtime import hooks

    kernel.attach(calls, world.current, lambda: hooks.DEAD[0] is BaseException)
    signals = libraries.load_part("signal_")
    kos_module.run_handler, kos_module.start_signals = signals["run_handler"], signals["start"]
    entry.connect(libraries.load_rtl("ksys"))
    importer.read_file = read_program_file
    program.install()
    static.register(vars(calls).values())
    static.register((kernelcall.trap,))
    # print, input and the like: a guest that keeps one finds it to be the same one wherever it runs.
    static.register(own for own in templates.namespace("builtins").values() if isinstance(own, FunctionType))
    assert snapshot  # imported because it registers objects of its own, which it must do before this:
    static.seal()


def read_program_file(path: str) -> tuple[str, str] | None:
    """A source file as the current task sees it: (text, path), or None."""
    from kos.errors import GuestFault
    from kos.runtime.source import decode
    from kos.syscall.table import CALLS

    try:
        data = CALLS["read_file"](path)
    except GuestFault:
        return None
    return decode(data, path), path


def boot_all(config: MachineConfig, params: Params, active: Any) -> None:
    """Bring every part to its state after boot; in the parent, before the CPUs are forked."""
    from kos.fs import boot as fs_boot
    from kos.fs import limit, pipe
    from kos.fs.programs import resolve
    from kos.mm import boot as mm_boot
    from kos.mm import shootdown
    from kos.proc import exec as proc_exec
    from kos.proc import init, rlimit
    from kos.runtime import memory
    from kos.syscall import entry

    active.install()
    mm_boot.boot(params)
    rlimit.host.impose = host.limit_address_space
    shootdown.hooks.nudge = _nudge
    init.boot(params.cpus, os.getuid(), os.getgid(), capabilities())
    fs_boot.boot([_guests_folder()], [_guests_folder()])
    proc_exec.hooks.resolve = resolve
    pipe.on_sigpipe(_send_sigpipe)
    limit.on_sigxfsz(_send_sigxfsz)
    memory.hooks.on_bad_access = _bad_access
    memory.hooks.note_bad_access = _note_bad_access
    memory.hooks.on_out_of_memory = _out_of_memory
    entry.Stress.on = config.stress_context
    prepare_guests()


def _guests_folder() -> str:
    from kos.machine.programs import guests_folder

    return guests_folder()


def _send_sigpipe(task: Task) -> None:
    from kos.proc.sigdefs import SIGPIPE

    _send_itself(task, SIGPIPE)


def _send_sigxfsz(task: Task) -> None:
    from kos.proc.sigdefs import SIGXFSZ

    _send_itself(task, SIGXFSZ)


def _send_itself(task: Task, sig: int) -> None:
    """A signal for what a task's own call did; it tells what one that the task had sent would. Linux: send_sig()."""
    from kos.proc import signal
    from kos.proc.sigqueue import SI_USER, Info
    from kos.sched.structs import machine, process_of

    process = process_of(task)
    signal.send(process, sig, task, Info(SI_USER, process.pid, machine.s.uid))


def _nudge(cpu: int) -> None:
    """A CPU does not acknowledge: interrupt it by a host signal."""
    pid = cpu_block(cpu).host_pid
    if pid:
        try:
            os.kill(pid, host.ring_signal)
        except ProcessLookupError:
            pass  # it died: the supervisor sees that


def _bad_access(vaddr: int, sig: int) -> None:
    """A guest's load or store that cannot be: the signal is taken here and now; returns only to retry."""
    from kos.runtime.sync import sync
    from kos.syscall import entry

    _note_bad_access(vaddr, sig)
    sync(entry.resumable.actions())


def _note_bad_access(vaddr: int, sig: int) -> None:
    """The same without taking the signal: that is for the next safepoint."""
    from kos.proc import signal

    task = this.task
    if task is None:
        raise KernelBug(f"bad access to {vaddr:#x} with no task")
    this.block.nr_fault_bad += 1
    signal.force(task, sig)
    this.pending[0] = 1


def _out_of_memory(vaddr: int) -> None:
    """No frame for a fault: one process is chosen and killed; its memory comes back when it exits."""
    from kos.proc import oom
    from kos.runtime.sync import sync
    from kos.syscall import entry

    oom.kill_one(vaddr)
    sync(entry.resumable.stress())


# --- a CPU comes up and goes down --------------------------------------------------------------------


def cpu_up(config: MachineConfig, boot_ns: int) -> None:
    """What each CPU process prepares for itself."""
    from kos.mm import boot as mm_boot
    from kos.runtime import helpers, hooks

    mm_boot.boot_cpu()
    hooks.pending = this.interrupted
    helpers.rebind()
    if config.log:
        from kos.report.log import attach_cpu

        attach_cpu(config.log_base or config.log, this.id, config.log_events, boot_ns)


def cpu_down() -> None:
    """Write out what this CPU has counted and logged; never raises."""
    publish_counts()
    if "kos.report.log" in sys.modules:
        sys.modules["kos.report.log"].detach_cpu()


def publish_counts() -> None:
    """What is counted in this process, because a count in the arena costs more, goes to the control block.

    What plugins have printed is written out, too: a CPU process ends without Python's own end.
    """
    from kos.syscall import entry

    this.block.nr_syscalls = entry.nr_calls[0]
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # a descriptor that was never open
                stream.flush()
        except (OSError, ValueError):
            continue  # nobody reads it any more


# --- checks --------------------------------------------------------------------------------------------


def audit_cpu(contexts: dict[int, Any]) -> list[str]:
    """What only this CPU can check: its TLB against the tables, and that it keeps nobody's context."""
    from kos.audit.tlbs import audit_tlb
    from kos.report import log

    publish_counts()
    log.flush_cpu()
    problems = list(audit_tlb())
    if contexts:
        problems.append(f"cpu {this.id} still keeps the contexts of task slots {sorted(contexts)}")
    if this.nr_held:
        problems.append(f"cpu {this.id} holds locks: {', '.join(held_locks(this.id))}")
    return problems


def audit_all() -> list[str]:
    """The rules of kos.audit over the whole arena; the machine is quiet."""
    from kos.audit.run import run_all

    return list(run_all())


def others() -> list[str]:
    """The plugins of this machine that do not ship with kos, with their hooks."""
    from kos.plugin.load import current

    return [] if current.active is None else current.active.others()


def held_locks(cpu: int) -> list[str]:
    """Names of the locks that a CPU holds."""
    return [lock_name(i) for i in list(cpu_block(cpu).held) if i]


def describe_tasks() -> str:
    """One line a task, for reports."""
    from kos.sched.structs import STATE_LETTERS, tasks

    lines = []
    for t in tasks.used():
        comm = t.comm.decode("ascii", "replace")
        lines.append(f"  pid {t.pid} {STATE_LETTERS[t.state]} cpu {t.cpu} {comm} mm {t.mm} wq {t.wq_lock}")
    return "\n".join(lines) or "  no tasks"


def is_guest_code(frame: FrameType | None) -> bool:
    """Does a host signal interrupt the guest's own code, or a library that it called, and nothing of kos?"""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_HOME):
            return False
        if frame.f_code.co_consts and _is_guest(frame):
            return True
        frame = frame.f_back
    return False


def is_kernel_code(frame: FrameType | None) -> bool:
    """Does a host signal interrupt the kernel's own work, or a plugin at it? Copying a guest's state is not that."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_HOME):
            return name.startswith(_KERNEL)
        if frame.f_code.co_consts and _is_guest(frame):
            return False
        frame = frame.f_back
    return False


def _is_guest(frame: FrameType) -> bool:
    return "$p" in frame.f_builtins
