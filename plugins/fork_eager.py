"""Eager fork: copy every private page now, as Version 6 Unix did by swapping and xv6 does in uvmcopy() (vm.c).

No write protection, no flush of the parent, no fault later: the baseline that every other policy's results must
equal, since what a program can see of its memory is the same under all of them.
"""

from __future__ import annotations

from kos.mm.bulk import copy_range
from kos.mm.structs import Mm, Vma


class EagerFork:
    """ForkPolicy."""

    name = "eager"

    def copy_range(self, old: Mm, new: Mm, vma: Vma) -> None:
        copy_range(old, new, vma)

    def must_flush(self) -> bool:
        return False


def make(options: dict[str, object]) -> EagerFork:
    return EagerFork()
