"""Boot: create the arena, prepare every part in it, fork the CPUs. And the way back."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kos.arena.arena import Arena
from kos.errors import HostError, PluginError, UsageError
from kos.hw.cpu import cpu_block
from kos.machine import control as ctl
from kos.machine import parts
from kos.machine.config import MachineConfig
from kos.machine.control import control
from kos.machine.given import current_folder
from kos.machine.supervisor import MachineFailed, Streams, Supervisor, make_bells
from kos.platform.host.clock import now_ns
from kos.platform.host.files import why_not_writable
from kos.platform.host.process import this_pid
from kos.platform.host.reaper import Reaper
from kos.proc import exit as proc_exit
from kos.sync import spinlock

_numbers = itertools.count(1)


@dataclass
class Booted:
    """A machine that runs."""

    arena: Arena
    supervisor: Supervisor
    config: MachineConfig
    boot_ns: int
    plugins: Any  #: kos.plugin.load.Active

    def run_program(self, path: str, argv: list[str], environ: Mapping[str, str], streams: Streams) -> int:
        """Start a program and supervise until it has ended; its wait status. Raises MachineFailed."""
        s = self.supervisor
        s.set_streams(streams)
        request: dict[str, Any] = {
            "path": path,
            "argv": argv,
            "environ": dict(environ),
            "cwd": current_folder(),
            "unbuffered": self.config.unbuffered,
        }
        if not ctl.put_request(request):
            raise UsageError("the program's arguments and environment are too long (4 MiB at most)")
        number = control.s.request_seq
        self._ring(0)
        s.wait_until(lambda: control.s.request_done == number)
        if control.s.request_error:
            raise UsageError(f"{path}: {os.strerror(control.s.request_error)}")
        if not s.wait_until(lambda: proc_exit.first_program_status() is not None, self.config.timeout):
            raise MachineFailed(f"the program did not end within {self.config.timeout} s (--timeout)")
        status = proc_exit.first_program_status()
        assert status is not None
        return int(status)

    def quiesce_and_audit(self) -> list[str]:
        """Kill every task that is left, then check what must always be true; the problems found."""
        s = self.supervisor
        control.s.kill_seq += 1
        self._ring(0)
        number = control.s.kill_seq
        if not s.wait_until(lambda: control.s.kill_done == number, 20.0):
            raise MachineFailed("tasks did not end within 20 s of being killed\n" + parts.describe_tasks())
        s.wait_until(lambda: not s.has_unwritten())
        control.s.audit_seq += 1
        number = control.s.audit_seq
        for cpu in range(s.nr_cpus):
            self._ring(cpu)
        answers = [ctl.answers[cpu + 1] for cpu in range(s.nr_cpus)]
        if not s.wait_until(lambda: all(a.audit_done == number for a in answers), 20.0):
            late = [cpu for cpu, a in enumerate(answers) if a.audit_done != number]
            raise MachineFailed(f"cpu {late} did not answer the audit within 20 s")
        problems: list[str] = []
        for cpu in range(s.nr_cpus):
            problems += ctl.read_epitaph(cpu).splitlines()
        return problems + parts.audit_all()

    def collect_summary(self) -> Any:
        """Counters of the run (kos.report.summary.Summary), read from the arena."""
        from kos.report.summary import collect

        return collect(self.arena)

    def shut_down(self) -> None:
        """Stop everything and leave nothing behind; merges the log. Safe after any failure."""
        try:
            self.supervisor.stop()
        finally:
            self.supervisor.kill()
            self.arena.block.unlink()
            for bell in dict.fromkeys(self.supervisor.bells):
                bell.close()
            if self.config.log and self.config.scratch is None:  # a log in there was read part by part, and is gone
                from kos.report.log import merge

                try:
                    merge(self.config.log, self.config.cpus, self.config.log_base)
                except BrokenPipeError:
                    pass  # whoever reads it has seen enough
                except OSError as e:
                    raise MachineFailed(f"the log {self.config.log!r} is lost: {e.strerror}") from None

    def _ring(self, cpu: int) -> None:
        from kos.hw.ipi import notify

        notify(cpu)


def report_of(e: MachineFailed | PluginError) -> str:
    """Why a machine ended. A plugin may break a rule in the supervisor, too: at boot, in the audit, at the end."""
    return str(e) if isinstance(e, MachineFailed) else f"a plugin broke a rule: {e}"


def check_writable(log: str) -> None:
    """Better now than after the run."""
    why = why_not_writable(log)
    if why is not None:
        raise UsageError(f"--log {log!r}: {why}")


def boot(config: MachineConfig) -> Booted:
    """A machine whose CPUs are up. Raises HostError, UsageError or MachineFailed, with nothing left behind."""
    params = config.params()
    name = f"kos-{config.name}" if config.name else f"kos-{this_pid()}-{next(_numbers)}"
    if config.log is not None:
        check_writable(config.log)
    active = parts.declare(config)
    arena = Arena.create(name, params)
    supervisor: Supervisor | None = None
    reaper: Reaper | None = None
    is_up = False
    # Before anything that takes time: a kill of this process while it boots leaves nothing, either.
    blocks = [cpu_block(cpu) for cpu in range(config.cpus)]
    if config.log is not None:
        from kos.report.log import base_of

        config = replace(config, log_base=base_of(config.log, name))
    log_parts = [f"{config.log_base}.cpu{n}" for n in range(config.cpus)] if config.log else []
    try:
        reaper = Reaper(
            arena.block.path, lambda: [block.host_pid for block in blocks], log_parts, config.scratch, config.owner
        )
        arena.header.boot_ns = active.boot_ns = boot_ns = now_ns()
        arena.header.host_pid = this_pid()
        spinlock.renew_all()
        spinlock.debug.check_order = config.debug_locks
        parts.boot_all(config, params, active)
        bells = make_bells(config.cpus)
        supervisor = Supervisor(arena, bells, config.watchdog, reaper)
        from kos.machine.cpu_main import cpu_main

        supervisor.start(cpu_main, config, boot_ns)
        is_up = True
        return Booted(arena, supervisor, config, boot_ns, active)
    except (MachineFailed, PluginError) as e:
        raise MachineFailed(f"the machine did not boot: {report_of(e)}") from None
    except BlockingIOError as e:
        raise HostError(f"the host starts no more processes: {e.strerror} (see `ulimit -u`)") from None
    finally:
        if not is_up:
            if supervisor is not None:
                supervisor.stop()  # the CPUs that did come up, too
            arena.block.unlink()
            if reaper is not None:
                reaper.dismiss()
