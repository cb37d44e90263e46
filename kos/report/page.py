"""Results and machines as HTML, for notebooks (`_repr_html_`): no scripts, no files, the host page's own fonts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from kos.report.histogram import duration, log2_counts, power
from kos.report.summary import FAULT_KINDS, Summary
from kos.trace.histogram import Histogram

if TYPE_CHECKING:
    from kos.machine.result import Result

_MOST_OUTPUT = 20_000  #: characters of a stream that are shown
_PRE = '<pre style="margin:0;padding:.4em;border-left:3px solid {}">{}</pre>'


def result_html(result: Result) -> str:
    """A run: how it ended, what it wrote, what the machine counted, its latencies."""
    good = result.exit_code == 0 and not result.problems and not result.report
    parts = [f"<p><b>{'&#10003;' if good else '&#10007;'} exit code {result.exit_code}</b></p>"]
    for text, colour in ((result.stdout, "#999"), (result.stderr, "#c60"), (result.report or "", "#c00")):
        if text:
            parts.append(_PRE.format(colour, escape(text[:_MOST_OUTPUT])))
    for line in [*result.problems, *result.notes]:
        parts.append(_PRE.format("#c00" if line in result.problems else "#999", escape(line)))
    if result.summary is not None:
        parts.append(_table(_counts(result.summary)))
    for name, histogram in result.histograms.items():
        if histogram.n:
            parts.append(_bars(name, histogram))
    if result.events:
        parts.append(f"<p>{len(result.events):,} events</p>")
    return "<div>" + "\n".join(parts) + "</div>"


def machine_html(title: str, plugins: Sequence[Mapping[str, Any]]) -> str:
    """A machine: its name and the policies in use."""
    rows = [(", ".join(p["roles"]), p["name"], p["summary"]) for p in plugins if p["state"] == "active"]
    return f"<div><p><b>{escape(title)}</b></p>{_table(rows)}</div>"


def _counts(summary: Summary) -> list[tuple[str, str, str]]:
    faults = ", ".join(f"{summary.total(name):,} {word}" for name, word in FAULT_KINDS if summary.total(name))
    rows = [
        ("forks", f"{summary.total('nr_forks'):,}", _quantiles(summary.fork)),
        ("page faults", f"{summary.total('nr_fault_minor') + summary.total('nr_fault_bad'):,}", faults),
        ("shootdowns", f"{summary.total('nr_shootdowns'):,}", _quantiles(summary.shootdown)),
        ("switches", f"{summary.total('nr_switches'):,}", f"{summary.total('nr_migrations'):,} to another CPU"),
        ("system calls", f"{summary.total('nr_syscalls'):,}", ""),
    ]
    return rows


def _quantiles(h: Histogram) -> str:
    if not h.n:
        return ""
    return f"p50 {duration(h.percentile(0.5))}, p99 {duration(h.percentile(0.99))}, max {duration(h.max_ns)}"


def _table(rows: Sequence[tuple[str, str, str]]) -> str:
    cells = (
        "<tr>" + "".join(f'<td style="text-align:left;padding:0 1em 0 0">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table>{''.join(cells)}</table>"


def _bars(name: str, histogram: Histogram) -> str:
    rows = log2_counts(histogram)
    most = max(count for _, _, count in rows)
    lines = (
        f'<tr><td style="text-align:right">{power(low)}&ndash;{power(high)} ns</td>'
        f'<td style="text-align:right">{count:,}</td><td style="text-align:left">'
        f'<div style="background:#69c;height:.8em;width:{20 * count / most:.2f}em"></div></td></tr>'
        for low, high, count in rows
    )
    return f"<p>{escape(name)} latency</p><table>{''.join(lines)}</table>"
