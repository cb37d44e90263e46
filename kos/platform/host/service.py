"""A forked host process that answers requests over a pipe: a machine's supervisor, away from the program that asks.

Forked, not started anew: what the program has defined (a policy in a notebook's cell) is there.
"""

from __future__ import annotations

import os
import signal
import weakref
from collections.abc import Callable
from typing import Any

from multiprocess.connection import Pipe

from kos.errors import HostError
from kos.platform.host.process import die_with_parent, set_title

_live: weakref.WeakSet[Service] = weakref.WeakSet()


class Service:
    """The process, and the pipe to it. One request at a time."""

    def __init__(self, name: str, main: Callable[[Callable[[], Any], Callable[[Any], None]], None]) -> None:
        """main(receive, send) runs in the new process; receive() raises EOFError when nobody asks any more."""
        self._pipe, theirs = Pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            status = 70
            try:
                for other in list(_live):
                    other._pipe.close()  # or that machine would not notice when its program closes it
                self._pipe.close()
                die_with_parent(parent)
                set_title(name)
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's: it closes the machine
                main(theirs.recv, theirs.send)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        _live.add(self)
        self._parent = parent

    def ask(self, request: Any) -> Any:
        """The answer to a request. HostError when the process is gone."""
        try:
            self._pipe.send(request)
            return self._pipe.recv()
        except (EOFError, OSError):
            self.close()
            raise HostError("the machine's supervisor process died") from None

    def close(self) -> None:
        """No more requests; returns when the process has ended. Does no harm twice, or in a forked copy."""
        if self._pipe.closed:
            return
        self._pipe.close()
        if os.getpid() != self._parent:
            return
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass

    def kill(self) -> None:
        """End it at once; its reaper cleans up after it."""
        if not self._pipe.closed and os.getpid() == self._parent:
            os.kill(self.pid, signal.SIGKILL)
            self.close()
