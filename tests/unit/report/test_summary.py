"""kos/report/summary.py and histogram.py: what the CPUs counted, for people and for programs."""

import json

import pytest

from kos.hw.cpu import cpu_block
from kos.report.histogram import bytes_size, duration, power, render_log2
from kos.report.summary import collect, render_text, to_json
from kos.trace.histogram import Histogram, shootdowns


@pytest.fixture
def busy(arena):
    """A machine of two CPUs that has done something."""
    for cpu in (0, 1):
        block = cpu_block(cpu)
        block.nr_forks = 2 + cpu
        block.nr_fault_minor = 100
        block.nr_fault_zero = 60
        block.nr_fault_cow_copy = 40
        block.nr_tlb_hits = 900
        block.nr_tlb_misses = 100
        block.nr_shootdowns = 3
        for ns in (9_000, 12_000, 20_000):
            shootdowns.record(cpu, ns)
    return collect(arena, wall_ns=1_230_000_000)


def test_cpus_are_added_up(busy):
    document = json.loads(to_json(busy))

    assert "\n" not in to_json(busy)
    assert (document["forks"], document["copies"], document["tlb_hit_rate"]) == (5, 80, 0.9)
    assert document["faults"]["total"] == 200 and document["faults"]["zero"] == 120
    assert [cpu["nr_forks"] for cpu in document["cpus"]] == [2, 3]
    assert document["shootdowns"]["n"] == 6 and document["shootdowns"]["max_ns"] == 20_000
    assert document["shootdowns"]["p50_ns"] == pytest.approx(12_000, rel=0.035)
    assert document["shootdowns"]["log2"] == [
        {"from_ns": 8192, "below_ns": 16384, "count": 4},
        {"from_ns": 16384, "below_ns": 32768, "count": 2},
    ]


def test_people_read_a_table_and_a_histogram(busy):
    text = render_text(busy)

    assert text.startswith("kos: 2 CPUs, 16 MiB, 1.23 s\n")
    assert "120 demand zero, 80 copied on write" in text
    assert "90.00 % hits" in text
    assert f"[8K, 16K)               4 |{'@' * 52}|" in text
    assert f"[16K, 32K)              2 |{'@' * 26}{' ' * 26}|" in text
    assert max(len(line) for line in text.splitlines()) <= 120


def test_a_machine_that_did_nothing(arena):
    """No division by zero, no empty histogram."""
    summary = collect(arena)

    assert json.loads(to_json(summary))["shootdowns"]["p50_ns"] is None
    assert "@" not in render_text(summary)


def test_small_values_have_lines_of_their_own():
    histogram = Histogram()
    for ns in (0, 1, 2, 3, 8):
        histogram.record(ns)

    assert [line.partition("|")[0].split() for line in render_log2(histogram)] == [
        ["[0,", "1)", "1"], ["[1,", "2)", "1"], ["[2,", "4)", "2"], ["[4,", "8)", "0"], ["[8,", "16)", "1"],
    ]  # fmt: skip


def test_numbers_as_people_read_them():
    assert [duration(ns) for ns in (812, 1_800, 14_300, 250_000, 1_200_000_000)] == [
        "812 ns", "1.80 us", "14.3 us", "250 us", "1.20 s",
    ]  # fmt: skip
    assert [power(n) for n in (512, 1024, 1 << 26, 1 << 31)] == ["512", "1K", "64M", "2G"]
    assert [bytes_size(n) for n in (64 << 20, 16 << 30, 5000)] == ["64 MiB", "16 GiB", "5000 bytes"]
