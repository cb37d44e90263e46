"""kos/trace/histogram.py: what is counted, and how exact the percentiles are."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from kos.trace.histogram import NR_BUCKETS, Histogram, bucket_of, bucket_range, shootdowns


@given(st.integers(0, (1 << 40) - 1))
def test_a_value_lies_in_the_range_of_its_bucket(ns: int):
    """bucket_range() is the inverse of bucket_of(), and no bucket is wider than 1/16 of its values."""
    bucket = bucket_of(ns)
    low, high = bucket_range(bucket)

    assert 0 <= bucket < NR_BUCKETS
    assert low <= ns < high
    assert high - low <= max(1, low // 16)


def test_buckets_cover_every_value_once():
    """Each begins where the one before it ends, up to the largest value that is kept."""
    edges = [bucket_range(bucket) for bucket in range(NR_BUCKETS)]

    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))
    assert edges[-1][1] == 1 << 40


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=300), st.sampled_from([0.5, 0.75, 1.0]))
def test_percentiles_are_right_to_three_and_a_half_percent(values: list[int], q: float):
    """Compared with the value at that rank of the sorted list."""
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    exact = sorted(values)[max(0, math.ceil(q * len(values)) - 1)]

    assert abs(histogram.percentile(q) - exact) <= max(1, exact * 0.035)


def test_cpus_are_counted_apart_and_added_together(arena):
    """Each CPU has a histogram of its own in the arena; read() adds those that are asked for."""
    shootdowns.record(0, 100)
    shootdowns.record(63, 5000)
    shootdowns.record(63, 1 << 50)  # longer than the last bucket

    assert (shootdowns.read([0]).n, shootdowns.read([63]).n, shootdowns.read([1]).n) == (1, 2, 0)
    both = shootdowns.read(range(64))
    assert (both.n, both.max_ns, both.sum_ns) == (3, 1 << 50, 5100 + (1 << 50))
