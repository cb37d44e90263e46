"""Interrupts through rings in the arena, the default: one ring a pair of CPUs, one writer, one reader, no lock.

Lamport, Proving the Correctness of Multiprocess Programs, 1977 (a queue between two processes needs no lock); the
mailboxes of a real machine's interrupt controllers are as narrow. The ring itself is the kernel's: kos/hw/ipi.py.
"""

from __future__ import annotations

from kos.api import RingTransport, Transport, hookimpl


@hookimpl
def kos_transport() -> Transport:
    return RingTransport()
