"""What a run of a guest gives back to a program or notebook."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import Any

from kos.report.summary import Summary, render_text
from kos.trace.histogram import Histogram


@dataclass
class Result:
    """How a guest ended, and what the machine has to say about the run.

    exit_code: the guest's, 128 + N for signal N, 70 when the machine failed. status: as os.waitpid gives it.
    events: dicts as in the log: event, ts (ns since boot), cpu, pid, and the event's own fields.
    problems: what the audit found; report: why the machine ended by itself, or None; notes: of plugins.
    """

    exit_code: int
    status: int
    stdout: str
    stderr: str
    stdout_bytes: bytes = field(repr=False, default=b"")
    stderr_bytes: bytes = field(repr=False, default=b"")
    events: list[dict[str, Any]] = field(repr=False, default_factory=list)
    summary: Summary | None = field(repr=False, default=None)
    problems: list[str] = field(default_factory=list)
    report: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Did the guest end well, and the audit find nothing?"""
        return self.exit_code == 0 and not self.problems and self.report is None

    @property
    def histograms(self) -> dict[str, Histogram]:
        """Latencies in ns: "fork" and "shootdown"."""
        if self.summary is None:
            return {}
        return {"fork": self.summary.fork, "shootdown": self.summary.shootdown}

    def named(self, pattern: str) -> list[dict[str, Any]]:
        """The events of a name, or of a pattern as "mm.*"."""
        return [event for event in self.events if fnmatch.fnmatchcase(event["event"], pattern)]

    def total(self, counter: str) -> int:
        """A counter of the summary, all CPUs together: total("nr_forks")."""
        return 0 if self.summary is None else self.summary.total(counter)

    def __str__(self) -> str:
        parts = [self.stdout.rstrip("\n"), self.stderr.rstrip("\n"), f"exit code {self.exit_code}"]
        parts += [self.report or "", *self.problems, *self.notes]
        if self.summary is not None:
            parts.append(render_text(self.summary))
        return "\n".join(part for part in parts if part)

    def _repr_html_(self) -> str:
        from kos.report.page import result_html

        return result_html(self)
