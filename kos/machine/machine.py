"""Machine: boot one, run programs on it, look at it, and leave nothing behind."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from kos.errors import PluginError, UsageError
from kos.machine.boot import Booted, boot, report_of
from kos.machine.config import MachineConfig
from kos.machine.supervisor import MachineFailed, Streams


@dataclass
class RunResult:
    """How a program ended, and what the machine has to say about the run.

    status: wait status of the program, as os.waitpid gives it; exit_code: its exit code, or 128 + N for
    signal N, or 70 when the machine failed. problems: what the audit found (empty = all is well).
    notes: what plugins have to say at the end (their hook kos_summary).
    report: why the machine ended by itself, or None.
    """

    status: int
    exit_code: int
    problems: list[str] = field(default_factory=list)
    report: str | None = None
    summary: Any = None
    stdout: bytes = b""
    stderr: bytes = b""
    notes: list[str] = field(default_factory=list)


class Machine:
    """A simulated computer. Use as a context manager; close() is safe at any time, more than once."""

    def __init__(self, config: MachineConfig | None = None, **settings: Any) -> None:
        self.config = config if config is not None else MachineConfig(**settings)
        self._booted: Booted | None = boot(self.config)

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def booted(self) -> Booted:
        if self._booted is None:
            raise UsageError("this machine is closed")
        return self._booted

    @property
    def name(self) -> str:
        return self.booted.arena.block.name

    def run(
        self,
        path: str,
        argv: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        stdin_fd: int = 0,
        stdout_fd: int = 1,
        stderr_fd: int = 2,
        *,
        capture: bool = False,
    ) -> RunResult:
        """Run a program to its end, kill what it left running, and audit the machine.

        path: absolute path of the guest program on the host; argv: its arguments, without its name.
        capture: collect stdout and stderr into the result instead of writing to the descriptors.
        """
        m = self.booted
        streams = Streams(stdin_fd, stdout_fd, stderr_fd)
        if capture:
            streams.collected = {stdout_fd: bytearray(), stderr_fd: bytearray()}
        try:
            status = m.run_program(path, [path, *argv], dict(os.environ if environ is None else environ), streams)
            problems = m.quiesce_and_audit()
            notes = m.plugins.summaries(self.config.watchdog)
        except (MachineFailed, PluginError) as e:
            summary = m.collect_summary()
            self.close()
            return RunResult(-1, 70, [], report_of(e), summary, *_collected(streams))
        code = status >> 8 if status & 0x7F == 0 else 128 + (status & 0x7F)
        if problems:
            code = 70
            problems += [f"plugins that took part: {', '.join(others)}"] if (others := m.plugins.others()) else []
        return RunResult(status, code, problems, None, m.collect_summary(), *_collected(streams), notes)

    def close(self) -> None:
        """Stop the CPUs, merge the log, remove the arena."""
        m, self._booted = self._booted, None
        if m is not None:
            m.shut_down()


def _collected(streams: Streams) -> tuple[bytes, bytes]:
    return (
        bytes(streams.collected.get(streams.stdout, b"")),
        bytes(streams.collected.get(streams.stderr, b"")) if streams.stderr != streams.stdout else b"",
    )
