"""What every interrupt transport must do: deliver each message once, a sender's in order, and never block."""

from __future__ import annotations

from collections.abc import Callable

from mm_box import run_on_cpus
from policy_box import PolicyBox

from kos.arena.table import Column
from kos.hw import ipi
from kos.hw.cpu import this

counts = Column("transport_contract_counts", "Q", 8)
Boot = Callable[..., PolicyBox]


def test_a_message_arrives_once_and_in_order(boot: Boot, transport_plugin: str) -> None:
    """What a CPU sends to itself comes back as it was, oldest first, and is then gone."""
    boot(transport_plugin)
    transport = ipi.wire.transport
    sent = [(0, n % 4, n, n << 32, (1 << 64) - 1 - n) for n in range(20)]

    assert all(transport.send(0, *message[1:]) for message in sent)

    assert transport.receive() == sent
    assert transport.receive() == []


def test_a_full_queue_says_so(boot: Boot, transport_plugin: str) -> None:
    """send() to a CPU that does not listen returns False in the end, and goes on when it has listened."""
    boot(transport_plugin)
    transport = ipi.wire.transport
    n = 0
    while n < 100_000 and transport.send(0, 3, n, 0, 0):
        n += 1

    assert 16 <= n < 100_000
    assert [message[2] for message in transport.receive()] == list(range(n))
    assert transport.send(0, 3, 0, 0, 0)
    transport.receive()


def test_two_cpus_lose_nothing(boot: Boot, transport_plugin: str) -> None:
    """Two CPUs send each other 2000 messages at once, and to the third: each gets all, in order by sender."""
    box = boot(transport_plugin, cpus=3)
    total = 700

    def body(cpu: int) -> None:
        last = dict.fromkeys(range(3), 0)
        received = 0

        def note(sender: int, a: int, b: int, c: int) -> None:
            nonlocal received
            assert a == last[sender] + 1
            last[sender] = a
            received += 1

        ipi.vectors[ipi.CALL] = note
        for n in range(1, total + 1):
            for target in range(3):
                if target != cpu:
                    ipi.send_ipi(target, ipi.CALL, n)
        while received < 2 * total:
            this.pending[0] = 1
            ipi.poll_ipis()
        counts.v[cpu] = received

    run_on_cpus(3, body)
    assert counts.v[:3].tolist() == [2 * total] * 3
    box.drop()
