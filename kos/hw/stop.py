"""The end of the machine, from wherever a rule was found broken.

A broken rule of kos or of a plugin may be found deep in a guest's own stack of calls: at a fault, in a system call,
at a safepoint. The exception must not travel on from there, or the guest could catch it, and would run its `finally`
blocks on a broken machine. So the border to the guest ends the machine at once; MachineStop then unwinds this CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from kos.errors import KernelBug, MachineStop, PluginError

BROKEN = (KernelBug, PluginError)  #: what must not reach a guest


def _raise(e: BaseException) -> None:
    """Without a machine around (tests of a layer): whoever called sees the error itself."""
    raise e


class _Hooks:
    """Filled by the CPU when it comes up."""

    panic: Callable[[BaseException], None] = staticmethod(_raise)  #: write the epitaph, stop the other CPUs


hooks = _Hooks()


def stop_machine(e: BaseException) -> NoReturn:
    """Report a broken rule and leave this CPU's work where it stands."""
    hooks.panic(e)
    raise MachineStop from e
