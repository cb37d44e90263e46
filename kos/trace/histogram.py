"""Latency histograms in the arena: a line of counters per CPU, cheap enough for every shootdown.

The layout is HdrHistogram's with 16 sub-buckets: values below 32 ns have a counter each, then every power of
two is cut into 16, so a counter's width is at most 1/16 of its values and its middle is off by at most 3.2 %.
Recording is four loads and stores of words that one CPU alone writes, so there is no lock; histograms of
several CPUs are merged by adding. A plain log2 histogram was tried first: its p50 could be off by a third.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kos.arena.table import Column
from kos.params import MAX_CPUS

SUB_BITS = 4  #: 2**SUB_BITS counters for each power of two
MAX_BITS = 40  #: values are cut at 2**40 ns, 18 minutes
NR_BUCKETS = ((MAX_BITS - SUB_BITS - 1) << SUB_BITS) + (2 << SUB_BITS)
_COUNT, _SUM, _MAX, _FIRST = range(4)
_STRIDE = -(-(_FIRST + NR_BUCKETS) // 8) * 8  # words; a CPU's counters share no cache line with another's
_LIMIT = (1 << MAX_BITS) - 1


def bucket_of(value: int) -> int:
    """Number of the counter that a value belongs to."""
    shift = value.bit_length() - (SUB_BITS + 1)
    return value if shift <= 0 else (shift << SUB_BITS) + (value >> shift)


def bucket_range(bucket: int) -> tuple[int, int]:
    """[low, high) of the values that a counter counts."""
    shift = max(0, (bucket >> SUB_BITS) - 1)
    low = (bucket - (shift << SUB_BITS)) << shift
    return low, low + (1 << shift)


@dataclass
class Histogram:
    """Counts of values in ns, of one CPU or of several added together. counts: by bucket."""

    n: int = 0
    sum_ns: int = 0
    max_ns: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * NR_BUCKETS)

    def add(self, other: Histogram) -> None:
        self.n += other.n
        self.sum_ns += other.sum_ns
        self.max_ns = max(self.max_ns, other.max_ns)
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]

    def since(self, before: Histogram) -> Histogram:
        """What was added after an earlier look. The longest is that of now: who looked had it forgotten."""
        counts = [a - b for a, b in zip(self.counts, before.counts, strict=True)]
        return Histogram(self.n - before.n, self.sum_ns - before.sum_ns, self.max_ns, counts)

    def record(self, ns: int) -> None:
        """For tests and for histograms made from a log."""
        self.counts[bucket_of(min(ns, _LIMIT))] += 1
        self.n += 1
        self.sum_ns += ns
        self.max_ns = max(self.max_ns, ns)

    def percentile(self, q: float) -> int:
        """The value that a share q (0..1) of all values does not exceed, in ns; 0 when there are none.

        The middle of the counter where the share is reached, never above the largest value seen.
        """
        wanted = q * self.n
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                low, high = bucket_range(bucket)
                return min((low + high - 1) // 2, self.max_ns)
        return self.max_ns


class LatencyColumn(Column):
    """One histogram a CPU in the arena. Each CPU writes its own only."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "Q", MAX_CPUS * _STRIDE)

    def record(self, cpu: int, ns: int) -> None:
        """Count one latency; on the CPU that is named, which is the only writer of these words."""
        v = self.v
        at = cpu * _STRIDE
        v[at] += 1
        v[at + _SUM] += ns
        if ns > v[at + _MAX]:
            v[at + _MAX] = ns
        v[at + _FIRST + bucket_of(min(ns, _LIMIT))] += 1

    def forget_longest(self, cpus: Iterable[int]) -> None:
        """Begin the maximum anew. In the supervisor, while no task runs: nobody else writes then."""
        for cpu in cpus:
            self.v[cpu * _STRIDE + _MAX] = 0

    def read(self, cpus: Iterable[int]) -> Histogram:
        """The histograms of these CPUs, added together; a snapshot that may be torn while the machine runs."""
        total = Histogram()
        for cpu in cpus:
            at = cpu * _STRIDE
            if self.v[at]:
                line = self.v[at : at + _FIRST + NR_BUCKETS].tolist()
                total.add(Histogram(line[_COUNT], line[_SUM], line[_MAX], line[_FIRST:]))
        return total


shootdowns = LatencyColumn("hist_shootdowns")  #: from the first IPI to the last acknowledgement
forks = LatencyColumn("hist_forks")  #: a fork, from reserve to publish
