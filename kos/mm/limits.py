"""What may be promised: the commit limit of the machine, and the resource limits of a process.

Overcommit as in Linux (Documentation/mm/overcommit-accounting.rst): mode 0 refuses only what could never fit, mode
1 refuses nothing, mode 2 refuses what exceeds overcommit_ratio percent of memory. Charged are private writable
mappings and shared anonymous memory, each page once, whether it is touched or not.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import NamedTuple

from kos.errors import GuestFault, KernelBug, UsageError
from kos.mm.page_alloc import nr_total
from kos.mm.policy import setting
from kos.mm.structs import VM_GROWSDOWN, VM_NORESERVE, VM_SHARED, VM_WRITE, Mm, commit_lock, totals
from kos.params import PAGE_SIZE, Params

INFINITY = -1


class Limits(NamedTuple):
    """Soft limits in bytes; -1 = none."""

    as_: int = INFINITY
    data: int = INFINITY
    stack: int = 8 << 20


def no_limits() -> Limits:
    """Until the process layer says whose limits hold."""
    return Limits()


class _Settings:
    mode = 0
    ratio = 50
    min_addr = 1 << 16  #: lowest that MAP_FIXED may map (Linux: dac_mmap_min_addr; 0 by CAP_SYS_RAWIO); set at boot
    current: Callable[[], Limits] = staticmethod(no_limits)  #: limits of the task that runs here; set at boot


settings = _Settings()


def boot(params: Params) -> None:
    """Read the machine's `overcommit` (0, 1, 2) and `overcommit_ratio` (percent)."""
    mode, ratio = setting(params, "overcommit", "0"), setting(params, "overcommit_ratio", "50")
    if mode not in ("0", "1", "2"):
        raise UsageError(f"--set overcommit={mode}: 0 (heuristic), 1 (always) or 2 (never)")
    if not ratio.isdecimal():
        raise UsageError(f"--set overcommit_ratio={ratio}: percent of memory")
    settings.mode = int(mode)
    settings.ratio = int(ratio)


def commit_limit() -> int:
    """Pages that mode 2 lets be promised (CommitLimit in /proc/meminfo)."""
    return nr_total() * settings.ratio // 100


def charge(pages: int) -> bool:
    """Promise `pages` more; False: refused, nothing charged."""
    if settings.mode == 0 and pages > nr_total():
        return False
    with commit_lock:
        t = totals.s
        if settings.mode == 2 and t.committed + pages > commit_limit():
            return False
        t.committed += pages
    return True


def uncharge(pages: int) -> None:
    """Take a promise back."""
    if pages:
        with commit_lock:
            t = totals.s
            if pages > t.committed:
                raise KernelBug(f"{pages} pages uncharged, {t.committed} are committed")
            t.committed -= pages


def is_accountable(flags: int) -> bool:
    """Is such a private mapping charged? (Linux: accountable_mapping)"""
    if flags & VM_NORESERVE and settings.mode != 2:
        return False
    return flags & (VM_WRITE | VM_SHARED) == VM_WRITE


def is_data(flags: int) -> bool:
    """Does it count against RLIMIT_DATA? (Linux: is_data_mapping)"""
    return flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN) == VM_WRITE


def may_expand(mm: Mm, flags: int, pages: int) -> bool:
    """Do RLIMIT_AS and RLIMIT_DATA allow `pages` more of this kind? (Linux: may_expand_vm)"""
    limits = settings.current()
    if limits.as_ >= 0 and (mm.total_vm + pages) * PAGE_SIZE > limits.as_:
        return False
    return not (is_data(flags) and limits.data >= 0 and (mm.data_vm + pages) * PAGE_SIZE > limits.data)


def require_expand(mm: Mm, flags: int, pages: int) -> None:
    """may_expand(), or GuestFault(ENOMEM)."""
    if not may_expand(mm, flags, pages):
        raise GuestFault(errno.ENOMEM)


def count_vm(mm: Mm, flags: int, pages: int) -> None:
    """`pages` more (or less) of a kind are mapped; mm lock held. (Linux: vm_stat_account)"""
    mm.total_vm += pages
    if flags & VM_GROWSDOWN:
        mm.stack_vm += pages
    elif is_data(flags):
        mm.data_vm += pages
    if mm.total_vm > mm.peak_vm:
        mm.peak_vm = mm.total_vm
