"""What the supervisor and the CPUs tell each other through the arena.

The supervisor asks by a sequence number, CPUs answer with the number that they have done: single-writer
words, so no lock. Every CPU has a page for its last words (the epitaph), written before it stops.
"""

from __future__ import annotations

import json
from typing import Any

from kos.arena.layout import Struct, layout, u32, u64
from kos.arena.table import Alone, Region, Table
from kos.params import MAX_CPUS

EPITAPH_SIZE = 16384
REQUEST_SIZE = 4 << 20


@layout(size=64)
class Control(Struct):
    """The machine's switchboard."""

    # the supervisor writes:
    request_seq: u64  #: programs asked to be started so far
    kill_seq: u64  #: times all tasks were asked to be killed
    audit_seq: u64  #: times the CPUs were asked to check their TLBs
    # cpu 0 writes:
    request_done: u64  #: programs started (or refused)
    kill_done: u64  #: times the machine became empty after a kill
    first_pid: u64  #: pid of the program started last
    request_error: u32  #: errno of a program that could not be started; 0 = it runs
    pad: u32
    # whoever panics first:
    panic_cpu: u64  #: cpu + 1; 0 = nobody panicked


@layout(size=16)
class Answer(Struct):
    """One CPU's answers to the supervisor; that CPU writes."""

    audit_done: u64  #: audit_seq that it has answered
    text_len: u64  #: bytes in its epitaph region


control = Alone(Control, "control")
answers: Table[Answer] = Table(Answer, "cpu_answers", MAX_CPUS + 2)
epitaphs = Region("epitaphs", (MAX_CPUS + 1) * EPITAPH_SIZE)
requests = Region("requests", REQUEST_SIZE)


def write_epitaph(cpu: int, text: str) -> None:
    """Leave a CPU's last words (or its audit's findings) where the supervisor reads them."""
    data = text.encode("utf-8", "replace")[:EPITAPH_SIZE]
    at = cpu * EPITAPH_SIZE
    epitaphs.buf[at : at + len(data)] = data
    answers[cpu + 1].text_len = len(data)


def read_epitaph(cpu: int) -> str:
    n = answers[cpu + 1].text_len
    at = cpu * EPITAPH_SIZE
    return bytes(epitaphs.buf[at : at + n]).decode("utf-8", "replace")


def put_request(request: dict[str, Any]) -> bool:
    """Place the next program to start; False when it does not fit."""
    data = json.dumps(request).encode()
    if len(data) + 8 > REQUEST_SIZE:
        return False
    requests.buf[0:8] = len(data).to_bytes(8, "little")
    requests.buf[8 : 8 + len(data)] = data
    control.s.request_seq += 1
    return True


def get_request() -> dict[str, Any]:
    n = int.from_bytes(requests.buf[0:8], "little")
    result: dict[str, Any] = json.loads(bytes(requests.buf[8 : 8 + n]))
    return result
