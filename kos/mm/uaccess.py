"""The kernel's access to user memory: through the same TLB, tables and fault handlers as the guest's own.

A bad address is GuestFault(EFAULT), never a signal; out of memory GuestFault(ENOMEM). Locks of rank mm or later
may not be held: the access may fault.
"""

from __future__ import annotations

import errno

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.hw.ipi import poll_ipis
from kos.hw.mmu import find_pte
from kos.hw.phys import frames
from kos.hw.pte import PTE_A, PTE_D, READ, WRITE, permits, pte_pfn
from kos.hw.tlb import hot
from kos.mm.fault import OK, FaultResult, handle_mm_fault, resolve
from kos.mm.structs import Mm, mm_lock
from kos.params import PAGE_SIZE
from kos.platform.host.atomic import compare_exchange64


def _fail(result: FaultResult) -> GuestFault:
    return GuestFault(errno.ENOMEM if result is FaultResult.OOM else errno.EFAULT)


def _delta(vaddr: int, access: int) -> int:
    """Physical minus virtual address of a page of the loaded mm."""
    table = hot.write if access == WRITE else hot.read
    found = table.get(vaddr >> 12)
    if found is None:
        if this.interrupted:
            poll_ipis()
        result = resolve(vaddr, access)
        if result is not OK:
            raise _fail(result)
        found = (hot.write if access == WRITE else hot.read)[vaddr >> 12]
    return found


def copy_from_user(mm: Mm, vaddr: int, n: int) -> bytes:
    """n bytes from user memory. Raises GuestFault."""
    if this.mm is not mm:
        return _foreign(mm, vaddr, n, None)
    parts = []
    while n > 0:
        chunk = min(n, PAGE_SIZE - (vaddr & 4095))
        at = vaddr + _delta(vaddr, READ)
        parts.append(bytes(hot.mem[at : at + chunk]))
        vaddr += chunk
        n -= chunk
    return parts[0] if len(parts) == 1 else b"".join(parts)


def copy_to_user(mm: Mm, vaddr: int, data: bytes | bytearray | memoryview) -> None:
    """Store data into user memory. Raises GuestFault; what came before the bad page is then stored."""
    if this.mm is not mm:
        _foreign(mm, vaddr, len(data), data)
        return
    view = memoryview(data)
    done = 0
    while done < len(view):
        chunk = min(len(view) - done, PAGE_SIZE - (vaddr & 4095))
        at = vaddr + _delta(vaddr, WRITE)
        hot.mem[at : at + chunk] = view[done : done + chunk]
        vaddr += chunk
        done += chunk


def clear_user(mm: Mm, vaddr: int, n: int) -> None:
    """Store n zeros. Raises GuestFault."""
    copy_to_user(mm, vaddr, bytes(n))


def _mark(at: int, bits: int) -> bool:
    """Set accessed and dirty as a walk does: a CPU that runs the address space may set them at the same moment."""
    entry = frames.mem64[at]
    new = entry | bits
    return new == entry or compare_exchange64(frames.addr + (at << 3), entry, new) == entry


def _foreign(mm: Mm, vaddr: int, n: int, data: bytes | bytearray | memoryview | None) -> bytes:
    """The same on an address space that this CPU has not loaded: by its tables, under its lock."""
    view = None if data is None else memoryview(data)
    access = READ if view is None else WRITE
    parts = []
    done = 0
    while done < n:
        chunk = min(n - done, PAGE_SIZE - (vaddr & 4095))
        with mm_lock(mm):
            at = find_pte(mm.pgd, vaddr) if 0 <= vaddr < 1 << 47 and mm.pgd else 0
            entry = frames.mem64[at] if at else 0
            if permits(entry, access):
                if not _mark(at, PTE_A if view is None else PTE_A | PTE_D):
                    continue  # not what it was any more: look again
                where = (pte_pfn(entry) << 12) + (vaddr & 4095)
                if view is None:
                    parts.append(bytes(frames.mem[where : where + chunk]))
                else:
                    frames.mem[where : where + chunk] = view[done : done + chunk]
                done += chunk
                vaddr += chunk
                continue
        result = handle_mm_fault(mm, vaddr, access)
        if result is not OK:
            raise _fail(result)
    return b"".join(parts)
