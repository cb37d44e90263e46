"""Measuring a row: host and kos in turn, several times, so that what else the host does hits both alike."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from kos.bench.rows import Row
from kos.errors import HostError
from kos.machine.client import Machine
from kos.platform.host.clock import now_ns
from kos.platform.host.command import run_command
from kos.trace.histogram import Histogram

LIMIT = 120.0  #: seconds that one program may take
PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs")


@dataclass
class Measured:
    """What was measured of one row, in ns: one value a round and side."""

    row: Row
    kos: list[float] = field(default_factory=list)
    host: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """kos/host, of the medians."""
        return statistics.median(self.kos) / statistics.median(self.host)

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.row.target


def spread(values: Sequence[float]) -> float:
    """Half of the range from the lowest to the highest, as a share of the median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


def measure(
    row: Row, rounds: int, plugins: Sequence[object] = (), settings: Mapping[str, str] | None = None
) -> Measured:
    """Run a row. One machine serves all its rounds, except where the boot is what is measured."""
    result = Measured(row)
    host_path = _program(row.host_program or row.program)
    with ExitStack() as stack:
        machine = None
        if not row.whole:
            made = Machine(cpus=row.cpus, memory=row.memory, plugins=plugins, settings=settings, events=())
            machine = stack.enter_context(made)
        for _ in range(rounds):
            result.host.append(_host(host_path, row.host_words if row.host_program else row.words, row.whole))
            result.kos.append(_boot(host_path, plugins, settings) if machine is None else _kos(machine, row))
    return result


def _program(name: str) -> str:
    return os.path.join(PROGRAMS, f"{name}.py")


def _environment() -> dict[str, str]:
    """Ours, but Python may keep compiled modules, as it does for everybody: else each boot would compile kos anew."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _host(path: str, words: Sequence[str], whole: bool) -> float:
    command = [sys.executable, path, *words]
    began = now_ns()
    status, out, err = run_command(command, _environment(), LIMIT)
    elapsed = now_ns() - began
    return float(elapsed) if whole else _number("on the host", path, status, out, err)


def _boot(path: str, plugins: Sequence[object], settings: Mapping[str, str] | None) -> float:
    words = [word for plugin in plugins for word in ("-p", str(plugin))]
    words += [word for name, text in (settings or {}).items() for word in ("--set", f"{name}={text}")]
    command = [sys.executable, "-m", "kos", "run", "--summary", "none", *words, path]
    began = now_ns()
    status, _, err = run_command(command, _environment(), LIMIT)
    if status != 0:
        raise HostError(f"{' '.join(command)}: exit status {status}\n{err.decode('utf-8', 'replace')}")
    return float(now_ns() - began)


def _kos(machine: Machine, row: Row) -> float:
    path = _program(row.program)
    before = machine.shootdowns() if row.from_histogram else Histogram()
    ran = machine.run(path, row.words)
    if row.from_histogram:
        if not ran.ok:
            _number("in kos", path, ran.exit_code, b"", (ran.stderr + (ran.report or "")).encode())
        return float(_difference(ran.histograms["shootdown"], before).percentile(0.5))
    errors = ran.stderr + (ran.report or "") + "\n".join(ran.problems)
    return _number("in kos", path, ran.exit_code, ran.stdout.encode(), errors.encode())


def _difference(after: Histogram, before: Histogram) -> Histogram:
    counts = [a - b for a, b in zip(after.counts, before.counts, strict=True)]
    return Histogram(after.n - before.n, after.sum_ns - before.sum_ns, after.max_ns, counts)


def _number(where: str, path: str, status: int | None, out: bytes, err: bytes) -> float:
    try:
        if status == 0:
            return float(out)
    except ValueError:
        pass
    ended = "did not end" if status is None else f"exit status {status}"
    text = (out + err).decode("utf-8", "replace")
    raise HostError(f"{os.path.basename(path)} {where}: {ended}, expected one number\n{text}")
