"""kos/trace/emit.py: an event that nobody listens to is off."""

import pytest

from kos.trace import emit, events
from kos.trace.emit import EVENTS, Event


@pytest.fixture
def heard():
    """What a sink was told, as (name, fields)."""
    told = []

    def sink(event, fields):
        told.append((event.name, fields))

    yield told, sink
    emit.detach(sink)


def test_events_are_off_until_somebody_listens(heard):
    told, sink = heard
    assert not events.FORK.on
    emit.attach(sink, ["proc.fork"])
    assert events.FORK.on and not events.EXIT.on
    events.FORK(child_pid=7, pages=3)
    emit.detach(sink)

    assert not events.FORK.on
    assert told == [("proc.fork", {"child_pid": 7, "pages": 3})]


def test_without_names_everything_is_on(heard):
    _, sink = heard
    emit.attach(sink)
    assert all(event.on for event in EVENTS.values())


def test_a_second_sink_keeps_an_event_on(heard):
    told, sink = heard

    def other(event: Event, fields: dict[str, object]) -> None:
        told.append(("other", fields))

    emit.attach(sink, ["proc.exit"])
    emit.attach(other, ["proc.exit"])
    emit.detach(other)

    assert events.EXIT.on


def test_times_and_sizes_carry_their_unit():
    """A field that is a latency or a length says its unit; names are those of a JSON key."""
    for event in EVENTS.values():
        for field in event.fields:
            assert field.isidentifier() and field == field.lower()
            assert not field.endswith(("latency", "_len", "size", "time"))
