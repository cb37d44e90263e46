"""Waking a process that sleeps: an eventfd a CPU, inherited by fork."""

from __future__ import annotations

import os
import select


class Doorbell:
    """ring() from any process wakes wait() in the one that owns the bell."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self.fd, select.POLLIN)

    def ring(self) -> None:
        try:
            os.eventfd_write(self.fd, 1)
        except BlockingIOError:
            pass  # the counter is full: it is ringing already

    def wait(self, timeout_ns: int | None) -> None:
        """Sleep until rung or until the timeout; returns either way, the bell silent."""
        ms = None if timeout_ns is None else max(0, -(-timeout_ns // 1_000_000))
        if self._poll.poll(ms):
            self.silence()

    def silence(self) -> None:
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            pass

    def close(self) -> None:
        os.close(self.fd)
