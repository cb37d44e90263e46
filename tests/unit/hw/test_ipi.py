"""kos/hw/ipi.py: whoever stored the pending word last is served first, and everybody is served."""

from collections.abc import Iterator

import pytest

from kos.hw import ipi
from kos.hw.cpu import FROM, this

Message = tuple[int, int]  #: (sender, first word)


@pytest.fixture
def served(arena: object) -> Iterator[list[Message]]:
    """What CPU 0 of three is told by CALL interrupts, in order."""
    old = ipi.wire.transport, ipi.vectors[ipi.CALL], ipi.host_cores.is_crowded, this.nr_cpus
    told: list[Message] = []
    ipi.vectors[ipi.CALL] = lambda sender, a, b, c: told.append((sender, a))
    ipi.wire.transport = ipi.RingTransport()
    this.nr_cpus = 3
    yield told
    ipi.wire.transport, ipi.vectors[ipi.CALL], ipi.host_cores.is_crowded, this.nr_cpus = old
    this.pending[0] = 0


def send_as(cpu: int, *words: int) -> None:
    """Messages of another CPU for CPU 0, and its pending word."""
    me, this.id = this.id, cpu
    sender = ipi.RingTransport()
    for word in words:
        assert sender.send(0, ipi.CALL, word, 0, 0)
    this.id = me
    this.pending[0] = FROM + cpu


@pytest.mark.parametrize("is_crowded", [False, True])
def test_a_sender_whose_word_was_overwritten_is_served_too(served: list[Message], is_crowded: bool) -> None:
    """Each sender's messages in their order, whatever the word says."""
    ipi.host_cores.is_crowded = is_crowded
    send_as(1, 10, 11)
    send_as(2, 20, 21)
    ipi.poll_ipis()

    assert [a for sender, a in served if sender == 1] == [10, 11]
    assert [a for sender, a in served if sender == 2] == [20, 21]
    assert served[0] == ((1, 10) if is_crowded else (2, 20))
    assert not this.interrupted


def test_a_word_that_names_nobody_does_no_harm(served: list[Message]) -> None:
    """The supervisor's number, and a CPU that has sent nothing."""
    ipi.host_cores.is_crowded = False
    send_as(1, 5)
    for word in (FROM + ipi.MAX_CPUS, FROM + 2, 1):
        this.pending[0] = word
        ipi.poll_ipis()

    assert served == [(1, 5)]
