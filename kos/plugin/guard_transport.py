"""The guard of a transport: what send() took, receive() gives, once, and in the order of its sender.

Each pair of CPUs has an account in the arena. The sender writes a message down before the policy gets it, and how many
it has taken; the target compares what it is given with that. So a message that is lost shows at the sender's next one,
and the last one when its sender has waited for an answer in vain (`blame_for`).
"""

from __future__ import annotations

from typing import Any

from kos.hw import ipi
from kos.hw.cpu import SUPERVISOR, this
from kos.params import MAX_CPUS
from kos.plugin.guard import Guard

Message = tuple[int, int, int, int]  #: vector, a, b, c

# Words of an account. Written by the sender:
_TAKEN = 0  #: messages that send() took
_CALLS_THEN = 1  #: calls of receive() that the target had made when the last one was taken
# Written by the target:
_GIVEN = 2  #: messages that receive() gave
_CALLS = 3  #: calls of receive() that are over; in the account with itself
_LOG = 8  #: the last _SLOTS messages taken, four words each
_SLOTS = (ipi.ACCOUNT // 8 - _LOG) // 4


class TransportGuard(Guard):
    """Messages have the shape of messages, and none is lost, made up, repeated or overtaken."""

    def __init__(self, policy: Any, plugin: str, hook: str) -> None:
        super().__init__(policy, plugin, hook)
        self._accounts: dict[tuple[int, int], memoryview] = {}

    def _account(self, target: int, sender: int) -> memoryview:
        words = self._accounts.get((target, sender))
        if words is None:
            at = (target * (MAX_CPUS + 1) + sender) * ipi.ACCOUNT
            words = self._accounts[target, sender] = ipi.accounts.buf[at : at + ipi.ACCOUNT].cast("Q")
        return words

    def send(self, target: int, vector: int, a: int, b: int, c: int) -> bool:
        account = self._account(target, this.id)
        taken = account[_TAKEN]
        at = _LOG + 4 * (taken % _SLOTS)
        account[at], account[at + 1], account[at + 2], account[at + 3] = vector, a, b, c
        account[_TAKEN] = taken + 1  # before the target can be given it
        is_taken = self.call("send", target, vector, a, b, c)
        self.expect("send", is_taken, bool)
        if is_taken:
            account[_CALLS_THEN] = self._account(target, target)[_CALLS]
        else:
            account[_TAKEN] = taken
        return bool(is_taken)

    def receive(self) -> list[tuple[int, int, int, int, int]]:
        got = self.call("receive")
        self.expect("receive", got, list)
        for message in got:
            if not isinstance(message, tuple) or len(message) != 5 or not all(type(n) is int for n in message):
                self.blame("receive", f"returned the message {message!r}, expected five ints")
            sender, vector = message[:2]
            if not (0 <= sender < this.nr_cpus or sender == SUPERVISOR):
                self.blame("receive", f"a message from cpu {sender}, there are {this.nr_cpus}")
            if not 0 <= vector < ipi.NR_VECTORS:
                self.blame("receive", f"a message with vector {vector}, there are {ipi.NR_VECTORS}")
            self._compare(sender, message[1:])
        if this.id != SUPERVISOR:
            self._account(this.id, this.id)[_CALLS] += 1
        return list(got)

    def _compare(self, sender: int, message: Message) -> None:
        """One message that was given against what its sender wrote down."""
        account = self._account(this.id, sender)
        given = account[_GIVEN]
        if given >= account[_TAKEN]:
            self.blame("receive", f"gave {message} of cpu {sender}, all of whose {given} messages were given before")
        at = _LOG + 4 * (given % _SLOTS)
        sent = (account[at], account[at + 1], account[at + 2], account[at + 3])
        # Has the sender gone once around since, and perhaps written over it? Then it is only counted.
        if sent != message and account[_TAKEN] < given + _SLOTS:
            self.blame(
                "receive",
                f"gave {message} as message {given + 1} of cpu {sender}, which was {sent}: one was lost, changed, "
                "repeated or overtaken",
            )
        account[_GIVEN] = given + 1

    def blame_for(self, target: int, is_refused: bool) -> None:
        """Whether it is the transport's doing that a message of this CPU has no effect on one that takes messages."""
        account = self._account(target, this.id)
        lost = account[_TAKEN] - account[_GIVEN]
        # A call that began after the message was taken has given it. The first to end since may have begun before.
        calls = self._account(target, target)[_CALLS] - account[_CALLS_THEN]
        if lost and calls >= 2:
            self.blame(
                "receive",
                f"lost {lost} of the messages that send() took on cpu {this.id} for cpu {target}, which has asked "
                f"{calls} times since",
            )
        if is_refused:
            self.blame("send", f"takes no message for cpu {target}, which serves its interrupts, from cpu {this.id}")
