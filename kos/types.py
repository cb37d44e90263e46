"""Number types that must not be mixed; they cost nothing at run time."""

from __future__ import annotations

from typing import NewType

Pfn = NewType("Pfn", int)  #: page frame number
Vaddr = NewType("Vaddr", int)  #: virtual address in bytes
Paddr = NewType("Paddr", int)  #: physical address in bytes
Asid = NewType("Asid", int)  #: address-space id tagged onto TLB entries
CpuId = NewType("CpuId", int)
Pid = NewType("Pid", int)
