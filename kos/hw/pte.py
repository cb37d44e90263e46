"""The x86-64 page-table entry, 4 KiB pages.

     63  62..52   51......12   11   10   9    8  7  6  5  4 3  2  1  0
    +--+--------+------------+----+---+----+---+--+--+--+----+--+--+--+
    |NX| unused | pfn        |FILE|COW|SPEC| - |- |D |A |  - |U |W |P |
    +--+--------+------------+----+---+----+---+--+--+--+----+--+--+--+

P present, W writable, U user, A accessed and D dirty are the hardware's (kos/hw/mmu.py sets A and D); NX forbids
execution. Bits 9 to 11 are free for software: SPEC marks the shared zero page, which is not counted (Linux:
_PAGE_SPECIAL); COW a page that was write-protected because others share the frame; FILE a frame that belongs to
the page cache and not to this address space (Linux asks the frame's mapping). An entry of 0 is empty.
"""

from __future__ import annotations

PTE_P = 1 << 0
PTE_W = 1 << 1
PTE_U = 1 << 2
PTE_A = 1 << 5
PTE_D = 1 << 6
PTE_SPECIAL = 1 << 9
PTE_COW = 1 << 10
PTE_FILE = 1 << 11
PTE_NX = 1 << 63
PFN_MASK = (1 << 40) - 1  #: after the shift by 12
TABLE_BITS = PTE_P | PTE_W | PTE_U | PTE_A  #: an entry that points to a lower table allows everything

READ, WRITE, EXEC = 0, 1, 2  #: kinds of access


def pte_pfn(entry: int) -> int:
    """Frame that an entry names."""
    return (entry >> 12) & PFN_MASK


def make_pte(pfn: int, bits: int) -> int:
    return pfn << 12 | bits


def permits(entry: int, access: int) -> bool:
    """Would the hardware let this access through?"""
    if not entry & PTE_P or not entry & PTE_U:
        return False
    if access == WRITE:
        return bool(entry & PTE_W)
    return not (access == EXEC and entry & PTE_NX)


def show(entry: int) -> str:
    """`pfn=12 P W U - A D ---` for reports."""
    names = ((PTE_P, "P"), (PTE_W, "W"), (PTE_U, "U"), (PTE_A, "A"), (PTE_D, "D"))
    soft = ((PTE_SPECIAL, "special"), (PTE_COW, "cow"), (PTE_FILE, "file"), (PTE_NX, "nx"))
    flags = "".join(n if entry & b else "-" for b, n in names)
    return " ".join([f"pfn={pte_pfn(entry)}", flags, *(n for b, n in soft if entry & b)])
