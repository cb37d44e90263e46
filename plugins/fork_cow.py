"""Classic copy-on-write fork: share every private frame, write-protect it in both, flush the parent once.

Bobrow et al., TENEX, a Paged Time Sharing System for the PDP-10, CACM 1972 (copy-on-write); Linux 6.0
copy_pte_range() and do_wp_page() in mm/memory.c. The flush at the end is the step that students forget: other CPUs
that run the parent's threads still hold writable translations.
"""

from __future__ import annotations

from kos.api import ForkPolicy, Mm, Vma, hookimpl, share_range


class CowFork:
    """ForkPolicy."""

    name = "cow"

    def copy_range(self, old: Mm, new: Mm, vma: Vma) -> None:
        share_range(old, new, vma.start, vma.end)

    def must_flush(self) -> bool:
        return True


@hookimpl
def kos_fork_policy() -> ForkPolicy:
    return CowFork()
