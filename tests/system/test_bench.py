"""`kos bench`: runs, selects, keeps its numbers, compares."""

import json


def test_rows_can_be_chosen_and_compared(kos):
    """--json gives a document; --compare shows a change beside each ratio."""
    first = kos("bench", "syscall", "bulk", "--rounds", 1, "--json")
    document = json.loads(first.stdout)
    kos.program(first.stdout, "before.json")
    second = kos("bench", "syscall", "--rounds", 1, "--compare", "before.json")

    assert (document["schema"], [row["name"] for row in document["rows"]]) == ("kos/bench/1", ["bulk", "syscall"])
    assert all(row["kos_ns"] > 0 and row["host_ns"] > 0 and row["ratio"] > 0 for row in document["rows"])
    lines = {line.split()[0]: line for line in second.stdout.splitlines() if line.strip()}
    assert "before" in lines["row"] and "%" in lines["syscall"]


def test_the_shootdown_row_measures_shootdowns(kos):
    """Its value is the machine's own: from the first interrupt to the last acknowledgement."""
    result = kos("bench", "shootdown", "--rounds", 1, "--json", "-p", "shootdown_broadcast")

    assert result.status == 0, result.stderr
    assert 500 < json.loads(result.stdout)["rows"][0]["kos_ns"] < 1e9


def test_wrong_usage_is_one_line(kos):
    for words in (["nosuch"], ["--rounds", "0"], ["--compare", "nosuch.json"], ["store", "-p", "nosuch"]):
        result = kos("bench", *words)
        assert (result.status, result.stderr.count("\n")) == (2, 1), words
