"""kos/bench/report.py, measure.py: the numbers of a bench, as they are shown."""

from __future__ import annotations

import pytest

from kos.bench.measure import Measured, spread
from kos.bench.report import beside_lines, document, heading, line
from kos.bench.rows import ROWS


def measured() -> Measured:
    return Measured(ROWS[0], kos=[90.0, 100.0, 120.0], host=[50.0, 40.0, 60.0])


def test_a_row_shows_medians_spread_ratio_and_target() -> None:
    text = line(measured(), None)

    assert text.split() == [
        *("store", "100", "ns", "+-15%", "50", "ns", "+-20%", "2.00", "<=", "3", "ok"),
        *ROWS[0].title.split(),
    ]
    assert len(heading(False).split()) == 6


def test_a_comparison_shows_how_the_ratio_changed() -> None:
    assert "+25%" in line(measured(), {"store": 1.6})
    assert " - " in line(measured(), {"bulk": 1.0})


def test_the_document_has_every_value() -> None:
    row = document([measured()], {"events_a_second": 3})["rows"][0]

    assert (row["name"], row["kos_ns"], row["host_ns"], row["ratio"], row["is_met"]) == ("store", 100, 50, 2, True)
    assert row["kos_values_ns"] == [90, 100, 120]


def test_a_target_that_is_missed_says_so() -> None:
    slow = Measured(ROWS[0], kos=[400.0], host=[100.0])

    assert not slow.is_met
    assert " NO " in line(slow, None)


def test_spread_is_half_the_range() -> None:
    assert spread([90, 100, 110]) == pytest.approx(0.1)
    assert spread([5]) == 0


def test_the_numbers_beside_the_table() -> None:
    lines = beside_lines(
        {
            "processes_tried": 12000,
            "processes_in_1_gib": 12000,
            "arena_bytes_a_process": 45713,
            "cpu_private_bytes": 38 << 20,
            "events_a_second": 26810,
        }
    )

    assert lines[0].endswith("12,000 (no more were tried)")
    assert [text.split()[-1] for text in lines[1::2]] == ["45,713", "26,810"]


def test_what_is_measured() -> None:
    assert list(dict.fromkeys(row.group for row in ROWS)) == [
        *("store", "bulk", "syscall", "fork", "spawn", "touch", "cow", "switch", "shootdown", "overcommit", "boot"),
    ]
