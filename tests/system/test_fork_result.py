"""What fork tells its caller, whatever the child does meanwhile."""

from __future__ import annotations

from typing import Any

PROGRAM = """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
pids = set()
for _ in range(100):
    pid = os.fork()
    if pid == 0:
        os._exit(1)
    pids.add(pid)
print(len(pids))
"""


def test_fork_tells_the_pid_of_a_child_that_is_gone_already(machine: Any) -> None:
    """A child that ends at once on another CPU, and that nobody waits for, may be reaped before fork returns."""
    run = machine.run(PROGRAM, cpus=4)

    assert (run.status, run.stdout) == (0, "100\n")
