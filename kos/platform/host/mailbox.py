"""Message queues of the host, one reader each, any number of writers, never blocking: for interrupt transports.

Both are made before the CPUs are forked and inherited. A message is a tuple of five ints.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct

import multiprocess

Message = tuple[int, int, int, int, int]
_WORDS = struct.Struct("=5Q")
_CHUNK = _WORDS.size * 64


class PipeMailbox:
    """A raw pipe: a message is one write of 40 bytes, which the host does not tear (PIPE_BUF is 4096)."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # A page of messages (about 100) before put() says that it is full: no less than the ring has.
        fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, 4096)

    def put(self, message: Message) -> bool:
        """False: the pipe is full."""
        try:
            return os.write(self._writer, _WORDS.pack(*message)) == _WORDS.size
        except BlockingIOError:
            return False

    def get_all(self) -> list[Message]:
        """Every message that is there now; by the owner only."""
        found: list[Message] = []
        while True:
            try:
                data = os.read(self._reader, _CHUNK)
            except BlockingIOError:
                return found
            found += _WORDS.iter_unpack(data)
            if len(data) < _CHUNK:
                return found

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class QueueMailbox:
    """multiprocess.SimpleQueue: pickled messages in a pipe, a lock for the writers."""

    def __init__(self) -> None:
        self._queue = multiprocess.get_context("fork").SimpleQueue()
        self._room = select.poll()
        self._room.register(self._queue._writer.fileno(), select.POLLOUT)

    def put(self, message: Message) -> bool:
        """False: there is no room. With POLLOUT a pipe takes PIPE_BUF bytes, more than 64 writers' messages."""
        if not self._room.poll(0):
            return False
        self._queue.put(message)
        return True

    def get_all(self) -> list[Message]:
        """Every message that is there now; by the owner only."""
        found: list[Message] = []
        while not self._queue.empty():
            found.append(self._queue.get())
        return found

    def close(self) -> None:
        self._queue.close()
