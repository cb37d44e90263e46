"""Nothing outlives a run: a small process that cleans up when the supervisor dies, however it dies.

It is forked before anything else, lives in a session of its own (a kill of the supervisor's process group
does not reach it) and sleeps on a pipe whose other end only the supervisor holds. End of file means that the
supervisor is gone: the CPUs that are left are killed, the shared-memory block and the parts of the log are
removed. In the normal case there is nothing left to do and it just ends.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
from collections.abc import Callable, Sequence


class Reaper:
    """watch(names): from the supervisor, before the CPUs are forked. dismiss(): at the end."""

    def __init__(
        self,
        block_path: str,
        cpu_pids: Callable[[], Sequence[int]],
        files: Sequence[str] = (),
        folder: str | None = None,
        owner: int | None = None,
    ) -> None:
        """cpu_pids reads the pids of the CPU processes from the arena: they are not known yet. folder: goes, too.

        owner: when this process ends, the supervisor is killed. (The kernel's own death signal comes when the thread
        ends that forked the supervisor, and machines are made by threads, too.)
        """
        self._folder = folder
        supervisor = os.getpid()
        read_end, self._write_end = os.pipe()
        os.set_inheritable(self._write_end, False)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._write_end)
                self._stand_by()
                if owner is not None:
                    self._outlive(owner, supervisor, read_end)
                self._watch(read_end, block_path, cpu_pids, files, folder)
            finally:
                os._exit(0)
        os.close(read_end)

    @staticmethod
    def _stand_by() -> None:
        from kos.platform.host.process import set_title

        os.setsid()
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT):
            signal.signal(sig, signal.SIG_IGN)
        set_title("kos-reaper")
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)  # or a pipe's reader would wait for this process

    @staticmethod
    def _outlive(owner: int, supervisor: int, fd: int) -> None:
        """Wait for the end of the owner or of the supervisor, or for the dismissal; the first ends the second."""
        try:
            other = os.pidfd_open(owner)
        except ProcessLookupError:
            os.kill(supervisor, signal.SIGKILL)
            return
        except OSError:
            return  # a host without it: the supervisor's pipe says so once it is idle
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.register(other, select.POLLIN)
        if all(which != fd for which, _ in poll.poll()):
            os.kill(supervisor, signal.SIGKILL)
        os.close(other)

    @staticmethod
    def _watch(
        fd: int, block_path: str, cpu_pids: Callable[[], Sequence[int]], files: Sequence[str], folder: str | None
    ) -> None:
        while True:
            try:
                if os.read(fd, 1):
                    return  # dismissed: everything is clean, and the log's parts are the supervisor's to merge
                break
            except InterruptedError:
                continue
        for pid in cpu_pids():
            if pid and _is_ours(pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for path in (block_path, *files):
            try:
                os.unlink(path)
            except OSError:
                pass
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def close_in_child(self) -> None:
        """In a forked CPU: only the supervisor may hold the pipe open."""
        os.close(self._write_end)

    def dismiss(self) -> None:
        """The supervisor has cleaned up; tell the reaper so, and wait for it to go. Does no harm twice.

        The folder goes first: whoever has it may be dead, and when the reaper is gone nobody else would remove it.
        """
        if self._write_end < 0:
            return
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        try:
            os.write(self._write_end, b".")
        except BrokenPipeError:
            pass  # it was killed
        os.close(self._write_end)
        self._write_end = -1
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass

    def is_alive(self) -> bool:
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] == 0
        except ChildProcessError:
            return False


def _is_ours(pid: int) -> bool:
    """Is this still one of our CPUs, and not a pid that the host has given to somebody else?"""
    try:
        with open(f"/proc/{pid}/comm", "rb") as f:
            return f.read().startswith(b"kos-cpu")
    except OSError:
        return False
