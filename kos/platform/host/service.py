"""A forked host process that answers requests over a pipe: a machine's supervisor, away from the program that asks.

Forked, not started anew: what the program has defined (a policy in a notebook's cell) is there.
"""

from __future__ import annotations

import os
import signal
import threading
import weakref
from collections.abc import Callable
from typing import Any

from multiprocess.connection import Pipe

from kos.errors import HostError
from kos.platform.host.process import die_with_parent, set_title

_live: weakref.WeakSet[Service] = weakref.WeakSet()
_at_end: list[bool] = []


class Service:
    """The process, and the pipe to it. One request at a time: threads that ask wait for each other."""

    def __init__(self, name: str, main: Callable[[Callable[[], Any], Callable[[Any], None]], None]) -> None:
        """main(receive, send) runs in the new process; receive() raises EOFError when nobody asks any more."""
        lent = _fill_standard_streams()
        self._pipe, theirs = Pipe()
        parent = os.getpid()
        is_main = threading.current_thread() is threading.main_thread()  # in the child, whoever has forked is
        try:
            self.pid = os.fork()
        except OSError as e:
            for end in (self._pipe, theirs):
                end.close()
            raise HostError(f"the host starts no more processes: {e.strerror} (see `ulimit -u`)") from None
        if self.pid == 0:
            status = 70
            try:
                self._pipe.close()
                if is_main:
                    die_with_parent(parent)  # not of another thread: it may end before the program does
                set_title(name)
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's: it closes the machine
                main(theirs.recv, theirs.send)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        for fd in lent:
            os.close(fd)
        self._turn = threading.Lock()
        self._is_asked = False
        self._parent = parent
        _live.add(self)

    def ask(self, request: Any) -> Any:
        """The answer to a request. HostError when the process is gone."""
        with self._turn:
            try:
                self._pipe.send(request)
                self._is_asked = True
                answer = self._pipe.recv()
            except (EOFError, OSError):
                self._is_asked = False
                was_closed = self._pipe.closed
                self.close()
                if _at_end and threading.current_thread() is not threading.main_thread():
                    threading.Event().wait()
                why = "was closed while it was asked" if was_closed else "has died"
                raise HostError(f"the machine's supervisor process {why}") from None
            except KeyboardInterrupt:
                self.kill()  # or the next one who asks would get the answer to this question
                raise
            self._is_asked = False
            return answer

    def close(self) -> None:
        """No more requests; returns when the process has ended. Does no harm twice, or in a forked copy.

        One that is busy for another thread is ended at once: it would come to see that nobody asks only after it.
        """
        if self._pipe.closed:
            return
        is_ours = os.getpid() == self._parent
        if is_ours and self._is_asked:
            os.kill(self.pid, signal.SIGKILL)
        self._pipe.close()
        if not is_ours:
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


def let_threads_wait() -> None:
    """The program ends: a thread that still asks has nobody to tell that its service is gone, and ends with it."""
    _at_end.append(True)


def _fill_standard_streams() -> list[int]:
    """Open what is closed of descriptors 0 to 2, or a pipe would become one of them; returns which."""
    lent = []
    fd = os.open(os.devnull, os.O_RDWR)
    while fd <= 2:
        lent.append(fd)
        fd = os.dup(fd)
    os.close(fd)
    return lent


def _forget_all() -> None:
    """In a fork of the program: the pipes are not this process's, and held open here they would never end."""
    for service in list(_live):
        service._pipe.close()


os.register_at_fork(after_in_child=_forget_all)
