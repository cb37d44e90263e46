"""Interrupts through multiprocess.SimpleQueue, one a CPU: what a Python programmer would take first.

To compare with plugins/transport_ring.py: a message is pickled, sent through a pipe under a semaphore and unpickled,
about 400 us there and back on two cores against 1 us over a ring. The queue's lock may be held by a writer that the
host has preempted: the price of a lock that is not ours.
"""

from __future__ import annotations

from kos.api import Params, QueueMailbox, Transport, hookimpl, this


class QueueTransport:
    """Transport."""

    name = "simplequeue"

    def __init__(self, nr_cpus: int) -> None:
        self._boxes = [QueueMailbox() for _ in range(nr_cpus)]

    def send(self, target: int, vector: int, a: int, b: int, c: int) -> bool:
        return self._boxes[target].put((this.id, vector, a, b, c)) if target < len(self._boxes) else True

    def receive(self) -> list[tuple[int, int, int, int, int]]:
        # The supervisor has no box: nobody sends it messages, it only rings.
        return self._boxes[this.id].get_all() if this.id < len(self._boxes) else []

    def close(self) -> None:
        """In the supervisor, at the end of the machine."""
        for box in self._boxes:
            box.close()


@hookimpl
def kos_transport(params: Params) -> Transport:
    return QueueTransport(params.cpus)
