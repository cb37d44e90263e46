"""Interprocessor interrupts: send_ipi(), the interrupt queues, the vector table, poll.

A message is four words in the ring that belongs to one (target, sender) pair: one writer, one reader, no
lock. The order of stores is the protocol: message, then head, then the target's pending word, then (after a
fence) a look at whether it sleeps. The target stores pending = 0 before it reads the heads, and `sleeping`
= 1 before it looks at pending a last time; so one of the two always sees the other.

What the pending word says besides is who stored it last. Where every CPU has a core of the host, that sender's ring is
served first, and then all rings, its own once more: a sender whose word was overwritten is served, too.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from kos.arena.table import Region
from kos.errors import KernelBug
from kos.hooks.policies import Transport
from kos.hw.cpu import FROM, PENDING, SLEEPING, SUPERVISOR, cpus, this
from kos.hw.stop import BROKEN, stop_machine
from kos.params import MAX_CPUS
from kos.platform.host.atomic import fence
from kos.platform.host.clock import now_ns

FLUSH, RESCHED, STOP, CALL, NR_VECTORS = 0, 1, 2, 3, 8  #: vectors
REFUSED_NS = 3_000_000_000  #: a CPU that polls so long and empties no place in its queue never will
RING_SLOTS = 32  #: messages of one pair that may wait
_SENDERS = MAX_CPUS + 1  # the supervisor sends too
_RING_WORDS = 8 + 4 * RING_SLOTS  # word 0: head (sender writes), then slots
_PAIR = _RING_WORDS * 8
ACCOUNT = 8 * (8 + 4 * 64)  #: bytes that its guard has for each pair

rings = Region("ipi_rings", lambda p: MAX_CPUS * _SENDERS * _PAIR)
accounts = Region("ipi_accounts", ACCOUNT * MAX_CPUS * _SENDERS)  #: a guarded transport's: what it took and gave

Handler = Callable[[int, int, int, int], None]  #: (sender, a, b, c), on the target, no locks taken
vectors: list[Handler | None] = [None] * NR_VECTORS  #: filled at boot by mm, sched and machine


class RingTransport:
    """The default transport: rings in the arena, polled."""

    name = "ring"

    def __init__(self) -> None:
        self._in: list[memoryview] = []
        self._tails: list[int] = []
        self._out: list[memoryview] = []
        self._me = -1

    def _words(self, target: int, sender: int) -> memoryview:
        at = (target * _SENDERS + sender) * _PAIR
        return rings.buf[at : at + _PAIR].cast("Q")

    def _open(self) -> None:
        self._me = this.id
        senders = [*range(this.nr_cpus), SUPERVISOR]
        self._senders = senders
        self._in = [self._words(this.id, s) for s in senders] if this.id != SUPERVISOR else []
        self._tails = [int(w[1]) for w in self._in]
        self._out = [self._words(target, this.id) for target in range(MAX_CPUS)]

    def send(self, target: int, vector: int, a: int, b: int, c: int) -> bool:
        if self._me != this.id:
            self._open()
        w = self._out[target]
        head = w[0]
        if head - w[1] >= RING_SLOTS:
            return False
        at = 8 + 4 * (head % RING_SLOTS)
        w[at] = vector
        w[at + 1] = a
        w[at + 2] = b
        w[at + 3] = c
        w[0] = head + 1
        return True

    def take(self, sender: int) -> tuple[int, int, int, int] | None:
        """(vector, a, b, c): the oldest message of one CPU; None when there is none."""
        if self._me != this.id:
            self._open()
        if sender >= this.nr_cpus or not self._in:
            return None
        w = self._in[sender]
        tail = self._tails[sender]
        if w[0] == tail:
            return None
        at = 8 + 4 * (tail % RING_SLOTS)
        message = w[at], w[at + 1], w[at + 2], w[at + 3]
        w[1] = self._tails[sender] = tail + 1  # the sender may use the slot again
        return message

    def receive(self) -> list[tuple[int, int, int, int, int]]:
        if self._me != this.id:
            self._open()
        got = []
        tails = self._tails
        for k, w in enumerate(self._in):
            head = w[0]
            tail = tails[k]
            while tail != head:
                at = 8 + 4 * (tail % RING_SLOTS)
                got.append((self._senders[k], w[at], w[at + 1], w[at + 2], w[at + 3]))
                tail += 1
                w[1] = tail  # the sender may use the slot again
            tails[k] = tail
        return got


class _Wire:
    """The transport in use; set once at boot, before the CPUs are forked."""

    transport: Transport = RingTransport()


wire = _Wire()


class _Host:
    """What the CPU has found when it came up."""

    is_crowded = True  #: more CPUs than cores of the host: who waits here keeps somebody from running


host_cores = _Host()


def send_ipi(target: int, vector: int, a: int = 0, b: int = 0, c: int = 0) -> None:
    """Interrupt CPU `target`; returns when the message is queued, not when it is handled."""
    if not wire.transport.send(target, vector, a, b, c):
        _send_late(target, vector, a, b, c)
    # notify(), with a hint. Before the counting: somebody waits for what this starts.
    words = cpus[target + 1].words
    words[PENDING] = FROM + this.id
    fence()
    if words[SLEEPING]:
        this.bells[target].ring()
    this.block.nr_ipis_sent += 1


def _send_late(target: int, vector: int, a: int, b: int, c: int) -> None:
    """The target's queue is full, so it is behind: let it catch up, and stay reachable.

    One that is seen to live, twice, and whose queue stays full all the same, has a transport that takes nothing.
    """
    began_ns = now_ns()
    first_beat = 0
    while not wire.transport.send(target, vector, a, b, c):
        poll_ipis()
        _yield_core()
        beat = cpus[target + 1].heartbeat
        if beat > began_ns:
            first_beat = first_beat or beat
            if beat > first_beat + REFUSED_NS:
                blame_transport(target, is_refused=True)
                raise KernelBug(f"cpu {target} serves its interrupts, but takes no message of cpu {this.id}")


def blame_transport(target: int, is_refused: bool = False) -> None:
    """A message for a CPU that serves its interrupts has no effect: raises where that is the transport's doing.

    is_refused: it was never taken. A transport without a guard, one that ships with kos, is not asked.
    """
    ask = getattr(wire.transport, "blame_for", None)
    if ask is not None:
        ask(target, is_refused)


def notify(target: int) -> None:
    """Set a CPU's pending word and wake it if it sleeps."""
    words = cpus[target + 1].words
    words[PENDING] = 1
    fence()
    if words[SLEEPING]:
        this.bells[target].ring()


def poll_ipis() -> None:
    """Serve every interrupt that waits for this CPU. Called at safepoints and in every wait.

    Handlers take no locks and do not wait, so this may be called with any lock held.
    """
    pending = this.pending
    hint = pending[0]
    if not hint:
        return
    pending[0] = 0
    fence()  # without it the store could become visible after a sender's 1, whose message we then had not seen
    transport = wire.transport
    try:
        if hint >= FROM and not host_cores.is_crowded and type(transport) is RingTransport:
            # Somebody waits for this one, and all rings take 60 ns each to look into. Not where CPUs share cores: there
            # on_flush() yields ours until the word says that we are wanted. Were we to look into the rings once more
            # after it, we would find messages whose word is still to come, and not yield for them: 14 ms with 8 CPUs.
            message = transport.take(hint - FROM)
            if message is not None:
                _serve(hint - FROM, *message)
                this.block.nr_ipis_received += 1
        messages = transport.receive()
        for m in messages:
            _serve(*m)
        if messages:
            this.block.nr_ipis_received += len(messages)
        for hook in poll_hooks:
            hook()
    except BROKEN as e:
        stop_machine(e)


def _serve(sender: int, vector: int, a: int, b: int, c: int) -> None:
    handler = vectors[vector]
    if handler is None:
        raise KernelBug(f"cpu {this.id}: interrupt {vector} from cpu {sender} has no handler")
    handler(sender, a, b, c)


poll_hooks: list[Callable[[], None]] = []  #: run after the queue was served: the tick, the stop word


def _yield_core() -> None:
    from kos.platform.host.process import yield_core

    yield_core()


def address_of(view: memoryview) -> int:
    """Host address of a view's first byte (for atomics)."""
    return ctypes.addressof(ctypes.c_char.from_buffer(view))
