"""The kernel as the native parts of the emulated modules see it.

Resumable parts import `_kos`; a native class (mmap) is not compiled and cannot, so whoever builds `_kos` also calls
`attach` with the same objects. Kept apart from the runtime so that these files can be tried against a host stand-in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

calls: Any = None  #: namespace of KernelCalls; called natively, each runs synchronously
current_world: Callable[[], Any]  #: the World of the task that runs here
is_dead: Callable[[], bool]  #: True while the objects of an ended (or moved) task are being dropped


def cpu_count() -> int:
    """How many CPUs the machine has (os.cpu_count); 1 where none was booted."""
    from kos.hw.cpu import this

    return this.nr_cpus


def attach(syscalls: Any, current: Callable[[], Any], dead: Callable[[], bool]) -> None:
    """Connect the native parts to a kernel; once per host process, before a guest runs."""
    from kos.stdlib import direct

    global calls, current_world, is_dead
    direct.add(syscalls)
    calls = syscalls
    current_world = current
    is_dead = dead
