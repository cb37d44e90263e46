"""Running a command of the host and collecting what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile


def run_command(words: list[str], environ: dict[str, str], limit: float) -> tuple[int | None, bytes, bytes]:
    """(status, stdout, stderr). status: exit status, -N for signal N, None when it did not end in `limit` seconds.

    The command runs in a session of its own; whatever it left running is killed. Output goes to files, not to
    pipes: a descendant that keeps a pipe open would make us wait for it.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environ, start_new_session=True
        )
        status: int | None
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            process.wait()
        out.seek(0)
        err.seek(0)
        return status, out.read(), err.read()
