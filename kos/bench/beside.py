"""Numbers that stand beside the table: how many processes fit, what one costs, how fast events are logged."""

from __future__ import annotations

import os
from typing import Any

from kos.bench.measure import PROGRAMS
from kos.errors import HostError
from kos.machine.client import Machine
from kos.platform.host.look import block_bytes, children_of, private_bytes

MOST_PROCESSES = 12_000
EXPECTED_PROCESSES = 10_000


def measure_beside(most: int = MOST_PROCESSES) -> dict[str, Any]:
    """All of them, by name; the unit ends the name."""
    return {**_processes(most), **_cpu_memory(), **_events()}


def _processes(most: int) -> dict[str, Any]:
    """Live processes in 1 GiB, and what the arena takes for each: pages of it are never given back to the host."""
    with Machine(cpus=2, memory="1G", events=(), timeout=600) as machine:
        machine.run("pass\n")
        before = block_bytes(machine.name)
        result = machine.run(os.path.join(PROGRAMS, "many.py"), [most])
        if result.exit_code:
            raise HostError(f"many.py: exit code {result.exit_code}\n{result.stderr}{result.report or ''}")
        count = int(result.stdout)
        taken = block_bytes(machine.name) - before
    return {
        "processes_in_1_gib": count,
        "processes_tried": most,
        "arena_bytes_a_process": taken // count if count else 0,
    }


def _cpu_memory() -> dict[str, Any]:
    """Private resident memory of a CPU's host process after a small run."""
    with Machine(cpus=2, events=()) as machine:
        machine.run("hello")
        sizes = [
            private_bytes(pid) for pid, name in children_of(machine.host_pid).items() if name.startswith("kos-cpu")
        ]
    return {"cpu_private_bytes": max(sizes, default=0)}


def _events() -> dict[str, Any]:
    """Events that one CPU logs in a second: a loop of system calls with every event on."""
    with Machine(cpus=1) as machine:
        result = machine.run(
            "import os, time\nbegan = time.perf_counter_ns()\nfor _ in range(20000):\n    os.getppid()\n"
            "print(time.perf_counter_ns() - began)\n"
        )
    elapsed = int(result.stdout) if result.exit_code == 0 else 0
    n = len(result.named("syscall"))
    return {"events_a_second": round(n * 1e9 / elapsed) if elapsed else 0}
