"""The table of a bench: as text, as JSON, and beside an earlier one."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from kos.bench.measure import Measured, spread
from kos.report.histogram import bytes_size, duration

SCHEMA = "kos/bench/1"


def document(found: Sequence[Measured], beside: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured; times in ns."""
    return {
        "schema": SCHEMA,
        "host": {
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
            "kernel": platform.release(),
        },
        "rows": [
            {
                "name": m.row.name,
                "kos_ns": statistics.median(m.kos),
                "kos_spread": round(spread(m.kos), 4),
                "kos_values_ns": m.kos,
                "host_ns": statistics.median(m.host),
                "host_spread": round(spread(m.host), 4),
                "host_values_ns": m.host,
                "ratio": round(m.ratio, 4),
                "target": m.row.target,
                "is_met": m.is_met,
            }
            for m in found
        ],
        "beside": dict(beside),
    }


def heading(earlier: bool) -> str:
    """The line above the rows."""
    old = f"{'before':>9}" if earlier else ""
    return f"{'row':<11}{'kos':>10}{'':>7}{'host':>11}{'':>7}{'ratio':>8}{'target':>8}{'':3}{old}  what"


def line(m: Measured, earlier: Mapping[str, float] | None) -> str:
    """One row: medians, +- half of the range, the ratio, whether it meets its target."""
    kos, host = statistics.median(m.kos), statistics.median(m.host)
    old = ""
    if earlier is not None:
        before = earlier.get(m.row.name)
        old = f"{'-':>9}" if before is None else f"{100 * (m.ratio / before - 1):>+8.0f}%"
    return (
        f"{m.row.name:<11}{duration(round(kos)):>10} {f'+-{100 * spread(m.kos):.0f}%':<6}"
        f"{duration(round(host)):>11} {f'+-{100 * spread(m.host):.0f}%':<6}"
        f"{m.ratio:>8.2f}{f'<= {m.row.target:g}':>8} {'ok' if m.is_met else 'NO':<2}{old}  {m.row.title}"
    )


def beside_lines(beside: Mapping[str, Any]) -> list[str]:
    """The numbers below the table."""
    if not beside:
        return []
    tried = beside["processes_tried"]
    count = beside["processes_in_1_gib"]
    return [
        f"processes alive in --memory 1G   {count:,}" + (" (no more were tried)" if count >= tried else ""),
        f"arena bytes a process            {beside['arena_bytes_a_process']:,}",
        f"private memory of a CPU process  {bytes_size(beside['cpu_private_bytes'])}",
        f"events logged a second           {beside['events_a_second']:,}",
    ]
