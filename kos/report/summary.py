"""The summary at the end of a run: what the CPUs counted, added up and made readable.

Everything comes from the arena (struct Cpu's counters and the latency histograms), so it can be collected
from a live machine too, and from one that died: each word has one writer, and a total may at worst be an
event behind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from kos.arena.arena import Arena
from kos.hw.cpu import Cpu, cpu_block
from kos.platform.host.clock import now_ns
from kos.report.histogram import bytes_size, duration, log2_counts, render_log2
from kos.trace import histogram
from kos.trace.histogram import Histogram

COUNTERS = tuple(f[0] for f in Cpu._fields_ if f[0].startswith("nr_") and f[0] != "nr_held")
FAULT_KINDS = (  #: counter -> the word that people use for it
    ("nr_fault_zero", "demand zero"),
    ("nr_fault_zeropage", "zero page"),
    ("nr_fault_cow_copy", "copied on write"),
    ("nr_fault_cow_reuse", "reused"),
    ("nr_fault_file", "file"),
    ("nr_fault_spurious", "spurious"),
    ("nr_fault_bad", "bad"),
)
QUANTILES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))


@dataclass
class Summary:
    """What a machine did, since boot or in one run. cpus: every counter of each CPU, by name, in order of the CPUs."""

    memory_bytes: int
    wall_ns: int
    cpus: list[dict[str, int]]
    shootdown: Histogram = field(default_factory=Histogram)
    fork: Histogram = field(default_factory=Histogram)

    def total(self, name: str) -> int:
        """A counter, all CPUs together; KeyError for one that there is not."""
        return sum(cpu[name] for cpu in self.cpus)

    def since(self, before: Summary) -> Summary:
        """What was done after an earlier summary of the same machine."""
        pairs = zip(self.cpus, before.cpus, strict=True)
        return Summary(
            memory_bytes=self.memory_bytes,
            wall_ns=self.wall_ns - before.wall_ns,
            cpus=[{name: now[name] - then[name] for name in now} for now, then in pairs],
            shootdown=self.shootdown.since(before.shootdown),
            fork=self.fork.since(before.fork),
        )


def collect(arena: Arena, wall_ns: int | None = None) -> Summary:
    """Read the counters of a machine; wall_ns: how long it ran (default: from its boot until now)."""
    nr_cpus = range(arena.params.cpus)
    blocks = [cpu_block(cpu) for cpu in nr_cpus]
    return Summary(
        memory_bytes=arena.params.memory,
        wall_ns=now_ns() - arena.header.boot_ns if wall_ns is None else wall_ns,
        cpus=[{name: int(getattr(block, name)) for name in COUNTERS} for block in blocks],
        shootdown=histogram.shootdowns.read(nr_cpus),
        fork=histogram.forks.read(nr_cpus),
    )


def hit_rate(counters: dict[str, int]) -> float | None:
    """Share of translations that the TLB answered; None when hits are not counted (a hit is one dict lookup)."""
    looked_up = counters["nr_tlb_hits"] + counters["nr_tlb_misses"]
    return counters["nr_tlb_hits"] / looked_up if counters["nr_tlb_hits"] else None


def to_json(s: Summary) -> str:
    """One JSON object on one line; times in ns."""
    totals = {name: s.total(name) for name in COUNTERS}
    document = {
        "schema": "kos/summary/1",
        "nr_cpus": len(s.cpus),
        "memory_bytes": s.memory_bytes,
        "wall_ns": s.wall_ns,
        "forks": totals["nr_forks"],
        "exits": totals["nr_exits"],
        "faults": {
            "total": totals["nr_fault_minor"] + totals["nr_fault_bad"],
            **{name.removeprefix("nr_fault_"): totals[name] for name, _ in FAULT_KINDS},
        },
        "copies": totals["nr_fault_cow_copy"],
        "tlb_hit_rate": hit_rate(totals),
        "shootdowns": {"pages": totals["nr_flush_pages"], "full": totals["nr_flush_all"], **_latency(s.shootdown)},
        "fork_latency": _latency(s.fork),
        "totals": totals,
        "cpus": [{"cpu": n, **counters} for n, counters in enumerate(s.cpus)],
    }
    return json.dumps(document)


def _latency(h: Histogram) -> dict[str, object]:
    found: dict[str, object] = {"n": h.n}
    for q, name in QUANTILES:
        found[f"{name}_ns"] = h.percentile(q) if h.n else None
    found["max_ns"] = h.max_ns if h.n else None
    found["mean_ns"] = h.sum_ns // h.n if h.n else None
    found["log2"] = [{"from_ns": low, "below_ns": high, "count": count} for low, high, count in log2_counts(h)]
    return found


def render_text(s: Summary) -> str:
    """What a person reads on stderr."""
    totals = {name: s.total(name) for name in COUNTERS}
    faults = ", ".join(f"{totals[name]:,} {word}" for name, word in FAULT_KINDS if totals[name])
    rate = hit_rate(totals)
    rows = [
        ("forks", f"{totals['nr_forks']:,}", _quantiles(s.fork)),
        ("exits", f"{totals['nr_exits']:,}", ""),
        ("page faults", f"{totals['nr_fault_minor'] + totals['nr_fault_bad']:,}", faults),
        ("frames", f"{totals['nr_frames_allocated']:,}", f"allocated, {totals['nr_frames_freed']:,} freed"),
        ("shootdowns", f"{totals['nr_shootdowns']:,}", _shootdowns(s, totals)),
        ("IPIs", f"{totals['nr_ipis_sent']:,}", ""),
        ("switches", f"{totals['nr_switches']:,}", f"{totals['nr_migrations']:,} to another CPU"),
        ("contexts", f"{totals['nr_context_saves']:,}", f"saved, {totals['nr_context_restores']:,} restored"),
        ("system calls", f"{totals['nr_syscalls']:,}", ""),
        ("TLB misses", f"{totals['nr_tlb_misses']:,}", "" if rate is None else f"{100 * rate:.2f} % hits"),
    ]
    if totals["nr_oom"]:
        rows.append(("out of memory", f"{totals['nr_oom']:,}", "times"))
    lines = [f"kos: {len(s.cpus)} CPUs, {bytes_size(s.memory_bytes)}, {duration(s.wall_ns)}"]
    lines += [f"  {name:<13}{value:>12}  {comment}".rstrip() for name, value, comment in rows]
    if s.shootdown.n:
        lines.append("  shootdown latency in ns, from the first IPI to the last acknowledgement:")
        lines += ["    " + line for line in render_log2(s.shootdown)]
    return "\n".join(lines + _table(s))


def _shootdowns(s: Summary, totals: dict[str, int]) -> str:
    if not totals["nr_shootdowns"]:
        return ""
    return f"{totals['nr_flush_pages']:,} pages, {totals['nr_flush_all']:,} full; {_quantiles(s.shootdown)}".rstrip(
        "; "
    )


def _quantiles(h: Histogram) -> str:
    if not h.n:
        return ""
    found = [f"{name} {duration(h.percentile(q))}" for q, name in QUANTILES]
    return "  ".join([*found, f"max {duration(h.max_ns)}"])


_COLUMNS = (
    ("SWITCHES", "nr_switches"),
    ("SYSCALLS", "nr_syscalls"),
    ("FORKS", "nr_forks"),
    ("FAULTS", "nr_fault_minor"),
    ("SHOOT", "nr_shootdowns"),
    ("IPI-TX", "nr_ipis_sent"),
    ("IPI-RX", "nr_ipis_received"),
    ("TICKS", "nr_ticks"),
    ("TLB-MISS", "nr_tlb_misses"),
)


def _table(s: Summary) -> list[str]:
    lines = ["  CPU" + "".join(f"{head:>10}" for head, _ in _COLUMNS)]
    lines += [f"  {n:>3}" + "".join(f"{cpu[name]:>10,}" for _, name in _COLUMNS) for n, cpu in enumerate(s.cpus)]
    return lines
