"""Waiting for host descriptors, and moving bytes through them without blocking for ever."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable


class Poll:
    """poll(2) on a fixed set of descriptors."""

    def __init__(self, fds: Iterable[int]) -> None:
        self._poll = select.poll()
        for fd in fds:
            self._poll.register(fd, select.POLLIN)

    def wait(self, timeout_ns: int) -> None:
        """Return when one is ready or the time is over."""
        self._poll.poll(max(1, timeout_ns // 1_000_000))


def read_ready(fd: int, n: int) -> bytes | None:
    """What can be read now: None if nothing yet, b"" at end of file or where the descriptor is no use."""
    try:
        if not select.select([fd], [], [], 0)[0]:
            return None
        return os.read(fd, n)
    except BlockingIOError:
        return None
    except (OSError, ValueError):
        return b""


def write_ready(fd: int, data: bytearray) -> int:
    """Write what a descriptor takes without blocking; bytes written. BrokenPipeError when nobody reads.

    At most PIPE_BUF bytes after a poll that says "writable": such a write does not block, whatever the
    descriptor's flags are (they are shared with whoever started us, so they are not ours to change).
    """
    if not select.select([], [fd], [], 0)[1]:
        return 0
    try:
        return os.write(fd, memoryview(data)[: select.PIPE_BUF])
    except BlockingIOError:
        return 0


def process_state(pid: int) -> str:
    """The host's one-letter state of a process (R S D T Z ...), "?" if it is not there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            return chr(f.read().rpartition(b")")[2].split()[0][0])
    except (OSError, IndexError):
        return "?"
