"""The process behind a kos.Machine: boots the machine, runs what it is asked to, ends when nobody asks any more."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kos.errors import HostError, MachineFailed, UsageError
from kos.machine.config import MachineConfig
from kos.machine.machine import Machine
from kos.machine.result import Result
from kos.report import log
from kos.trace import histogram
from kos.trace.histogram import Histogram

_OUT, _ERR = -1, -2  # no descriptors: both streams are collected


def serve(config: MachineConfig, receive: Callable[[], Any], send: Callable[[Any], None]) -> None:
    """Answer requests; what goes wrong is an answer too, and is raised where the question came from."""
    os.setsid()  # a signal to the program's group is not for us: it closes its machines
    server = _Server(config)
    try:
        while True:
            try:
                request = receive()
            except EOFError:
                return
            try:
                answer = server.answer(*request)
            except (UsageError, HostError, MachineFailed) as e:
                answer = type(e)(str(e))  # without what stands behind it, which may not travel
            except Exception as e:
                answer = HostError(f"{type(e).__name__}: {e}")
            send(answer)
    finally:
        server.close()


class _Server:
    """One machine."""

    def __init__(self, config: MachineConfig) -> None:
        self.config = config
        self.offsets = [0] * config.cpus
        self.machine: Machine | None = None
        self.log_base: str | None = None
        self.has_failed = False
        self.longest_ns = 0  #: the longest shootdown before this run

    def answer(self, verb: str, *arguments: Any) -> Any:
        """Do what a request asks for."""
        return getattr(self, f"_{verb}")(*arguments)

    def _boot(self) -> str:
        self.machine = Machine(self.config)
        self.log_base = self.machine.booted.config.log_base
        return self.machine.name

    def _plugins(self) -> list[dict[str, Any]]:
        from kos.plugin.list import rows_of, to_json

        assert self.machine is not None
        return to_json(rows_of(self.machine.booted.plugins))

    def _shootdowns(self) -> Histogram:
        so_far = histogram.shootdowns.read(range(self.config.cpus))
        so_far.max_ns = max(so_far.max_ns, self.longest_ns)
        return so_far

    def _run(self, path: str, words: Sequence[str], environ: Mapping[str, str], stdin: bytes, folder: str) -> Result:
        assert self.machine is not None
        if self.has_failed:
            raise UsageError("this machine ended by itself in an earlier run: make a new one")
        _compile(path)
        os.chdir(folder)
        before = self.machine.booted.collect_summary()
        self.longest_ns = max(self.longest_ns, before.shootdown.max_ns)
        for column in (histogram.shootdowns, histogram.forks):
            column.forget_longest(range(self.config.cpus))
        with tempfile.TemporaryFile() if stdin else open(os.devnull, "r+b", 0) as source:
            if stdin:
                source.write(stdin)
                source.flush()
                source.seek(0)
            ran = self.machine.run(path, words, environ, source.fileno(), _OUT, _ERR, capture=True)
        self.has_failed = ran.report is not None
        events = log.read_new(self.log_base, self.config.cpus, self.offsets) if self.log_base else []
        return Result(
            exit_code=ran.exit_code,
            status=ran.status,
            stdout=ran.stdout.decode("utf-8", "replace"),
            stderr=ran.stderr.decode("utf-8", "replace"),
            stdout_bytes=ran.stdout,
            stderr_bytes=ran.stderr,
            events=events,
            summary=ran.summary.since(before),
            problems=ran.problems,
            report=ran.report,
            notes=ran.notes,
        )

    def close(self) -> None:
        if self.machine is not None:
            self.machine.close()


def _compile(path: str) -> None:
    """Compile a guest here, so that a mistake in it is told with its place, and the CPUs find it in the cache."""
    from kos.compiler import compile_unit
    from kos.runtime.source import decode

    try:
        with open(path, "rb") as f:
            compile_unit(decode(f.read(), path), path)
    except SyntaxError as e:
        raise UsageError(f"{e.filename or path}:{e.lineno or 1}: {type(e).__name__}: {e.msg}") from None
    except (ValueError, RecursionError, MemoryError) as e:
        raise UsageError(f"{path}:1: {type(e).__name__}: {e}") from None
    except OSError as e:
        raise UsageError(f"cannot read {path!r}: {e.strerror}") from None
