"""Circles of Python objects, which only Python's collector frees, do not pile up in a CPU's process."""

from __future__ import annotations

import re
from pathlib import Path

import kos
from kos.platform.host.look import children_of

MOST_KIB = 100 << 10  #: that a CPU's process may grow by
CIRCLES = """
class Circle:
    pass
for n in range(3_000_000):
    one = Circle()
    one.me = one
"""


def most_kib(machine: kos.Machine) -> int:
    """The most memory that the machine's one CPU process has ever had, in KiB."""
    (cpu,) = [pid for pid, name in children_of(machine.host_pid).items() if name == "kos-cpu0"]
    found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{cpu}/status").read_text())
    assert found is not None
    return int(found[1])


def growth_kib(machine: kos.Machine, program: str) -> int:
    """What the program adds to the most memory that the machine's one CPU process has ever had."""
    assert machine.run("pass\n").ok
    before = most_kib(machine)
    assert machine.run(program).ok
    return most_kib(machine) - before


def test_a_guest_that_makes_circles_all_the_time_does_not_grow():
    """One that never sleeps and never ends has its garbage collected, too."""
    with kos.Machine(cpus=1, events=()) as machine:
        assert growth_kib(machine, CIRCLES) < MOST_KIB
