"""kos/report/log.py: one file a CPU, merged by time, nothing lost and nothing half."""

import json

import pytest

from kos.errors import UsageError
from kos.hw.cpu import cpu_block
from kos.platform.host.clock import now_ns
from kos.report.log import merge, part_name, start
from kos.report.select import select_events
from kos.trace import events


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_becomes_one_line(arena, tmp_path):
    """event, ts, cpu, pid, then its own fields; addresses as strings."""
    cpu_block(0).current_pid = 17
    path = tmp_path / "log"
    stop = start(str(path), 0, ["mm.page_fault"], now_ns())
    events.PAGE_FAULT(vaddr=0x7F0000001000, access=1, kind="cow", latency_ns=812)
    if events.FORK.on:
        events.FORK(child_pid=3)
    stop()
    merge(str(path), 1)

    (line,) = read(path)
    assert list(line) == ["event", "ts", "cpu", "pid", "vaddr", "access", "kind", "latency_ns"]
    assert 0 <= line.pop("ts") < 10**9
    assert line == {
        "event": "mm.page_fault", "cpu": 0, "pid": 17, "vaddr": "0x7f0000001000", "access": 1, "kind": "cow",
        "latency_ns": 812,
    }  # fmt: skip
    assert not events.PAGE_FAULT.on


def test_the_parts_are_merged_in_time_order_and_removed(tmp_path):
    """Lines of several CPUs interleave; a line that a killed CPU left half is dropped."""
    path = tmp_path / "log"
    for cpu, times in enumerate([[1, 5, 9], [2, 3, 10], []]):
        lines = [json.dumps({"event": "x", "ts": t, "cpu": cpu}) + "\n" for t in times]
        (tmp_path / f"log.cpu{cpu}").write_text("".join(lines))
    with open(part_name(str(path), 1), "a") as f:
        f.write('{"event": "x", "ts": 11, "cp')

    assert merge(str(path), 4) == 6
    assert [line["ts"] for line in read(path)] == [1, 2, 3, 5, 9, 10]
    assert [p.name for p in tmp_path.iterdir()] == ["log"]


def test_values_that_json_has_no_word_for(arena, tmp_path):
    """numpy numbers, bytes and sets are written as what they mean."""
    import numpy as np

    path = tmp_path / "log"
    stop = start(str(path), 0, ["tlb.shootdown"], now_ns())
    events.SHOOTDOWN(initiator=np.uint64(1), targets={2, 1}, reason=b"fork", pages=np.int32(3))
    stop()
    merge(str(path), 1)

    (line,) = read(path)
    assert (line["initiator"], line["targets"], line["reason"], line["pages"]) == (1, [1, 2], "fork", 3)


def test_what_was_said_is_there_before_the_log_is_stopped(arena, tmp_path, monkeypatch):
    """A CPU that is killed had flushed what is older than a moment."""
    import kos.report.log as log

    monkeypatch.setattr(log, "_FLUSH_NS", -1)
    stop = start(str(tmp_path / "log"), 0, ["proc.exit"], now_ns())
    events.EXIT(status=0, rss_pages=1)
    seen = (tmp_path / "log.cpu0").read_text()
    stop()

    assert json.loads(seen)["event"] == "proc.exit"


def test_events_are_chosen_by_pattern():
    assert select_events("proc.fork") == ["proc.fork"]
    assert select_events("tlb.*, proc.exit") == ["proc.exit", "tlb.shootdown", "tlb.flush"]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [("tlb.shotdown", "did you mean 'tlb.shootdown'"), ("zzz*", "there are proc.fork"), ("", "which")],
)
def test_an_event_that_is_none_is_wrong_usage(pattern, says):
    with pytest.raises(UsageError, match=says):
        select_events(pattern)
