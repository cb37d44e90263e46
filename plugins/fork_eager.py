"""Eager fork: copy every private page now, as Version 6 Unix did by swapping and xv6 does in uvmcopy() (vm.c).

No write protection, no flush of the parent, no fault later: the baseline that every other policy's results must
equal, since what a program can see of its memory is the same under all of them.
"""

from __future__ import annotations

from kos.api import ForkPolicy, Mm, Vma, copy_range, hookimpl


class EagerFork:
    """ForkPolicy."""

    name = "eager"

    def copy_range(self, old: Mm, new: Mm, vma: Vma) -> None:
        copy_range(old, new, vma)

    def must_flush(self) -> bool:
        return False


@hookimpl
def kos_fork_policy() -> ForkPolicy:
    return EagerFork()
