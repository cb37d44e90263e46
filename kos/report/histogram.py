"""Showing a histogram as bpftrace's hist() does, and numbers as people read them."""

from __future__ import annotations

from kos.trace.histogram import Histogram, bucket_range

WIDTH = 52  #: of the longest bar, bpftrace's own


def log2_counts(histogram: Histogram) -> list[tuple[int, int, int]]:
    """(low, high, count) by powers of two, [low, high) in ns, from the first to the last that has a count."""
    by_power: dict[int, int] = {}
    for bucket, count in enumerate(histogram.counts):
        if count:
            power = bucket_range(bucket)[0].bit_length()
            by_power[power] = by_power.get(power, 0) + count
    if not by_power:
        return []
    powers = range(min(by_power), max(by_power) + 1)
    return [((1 << p) >> 1, max(1, 1 << p), by_power.get(p, 0)) for p in powers]


def render_log2(histogram: Histogram) -> list[str]:
    """Lines like `[8K, 16K)          12 |@@@@@@@@      |`."""
    rows = log2_counts(histogram)
    most = max((count for _, _, count in rows), default=0)
    return [
        f"{f'[{power(low)}, {power(high)})':<16}{count:>9} |{'@' * (count * WIDTH // most):<{WIDTH}}|"
        for low, high, count in rows
    ]


def power(value: int) -> str:
    """A power of two as bpftrace writes it: 512, 1K, 64M."""
    for shift, unit in ((30, "G"), (20, "M"), (10, "K")):
        if value >> shift:
            return f"{value >> shift}{unit}"
    return str(value)


def duration(ns: int) -> str:
    """A time with three digits and its unit: 812 ns, 14.3 us, 1.20 s."""
    for size, unit in ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")):
        if ns >= size:
            value = ns / size
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return f"{ns} ns"


def bytes_size(n: int) -> str:
    """An amount of memory in the largest unit that divides it: 64 MiB, 16 GiB."""
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if n >> shift and n % (1 << shift) == 0:
            return f"{n >> shift} {unit}"
    return f"{n} bytes"
