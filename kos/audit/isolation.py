"""Rule 3: no two address spaces have a writable translation to one private frame."""

from __future__ import annotations

import numpy as np

from kos.audit.walk import Walk
from kos.hw.pte import PTE_FILE, PTE_W
from kos.mm.structs import PG_ANON, PG_CACHE, VM_SHARED, mappings, page_flags, page_index, page_mapping
from kos.mm.vma import vma_at

SHOWN = 5


def audit_isolation(w: Walk) -> list[str]:
    """Problems found."""
    problems = []
    writers: dict[int, int] = {}
    for space in w.spaces:
        mm = space.mm
        is_file = space.entries & np.uint64(PTE_FILE) != 0
        is_writable = space.entries & np.uint64(PTE_W) != 0
        private = space.pfns[~is_file & is_writable]
        many = private[w.maps[private] > 1]
        for pfn in many[:SHOWN].tolist():
            other = writers.get(pfn)
            also = f"mm {other} writes it, too" if other is not None else f"it is mapped {w.maps[pfn]} times"
            problems.append(f"mm {mm.index} has a writable translation to private frame {pfn}, and {also}")
        for pfn in many.tolist():
            writers[pfn] = mm.index
        flags = page_flags.np[space.pfns]
        mixed = np.flatnonzero((flags & PG_ANON != 0) == is_file)
        for k in mixed[:SHOWN].tolist():
            problems.append(f"mm {mm.index}: entry of page {int(space.vpns[k]):#x} and its frame disagree about FILE")
        for k in np.flatnonzero(is_file).tolist():
            problems += _file_entry(w, space.mm.index, int(space.vpns[k]), int(space.pfns[k]), bool(is_writable[k]))
            if len(problems) > 4 * SHOWN:
                return problems
        for k in np.flatnonzero(~is_file).tolist():
            v = vma_at(mm, int(space.vpns[k]) << 12)
            if v is None:
                problems.append(f"mm {mm.index} maps page {int(space.vpns[k]):#x}, where no VMA is")
                if len(problems) > 4 * SHOWN:
                    return problems
    return problems


def _file_entry(w: Walk, mm_index: int, vpn: int, pfn: int, is_writable: bool) -> list[str]:
    mm = next(s.mm for s in w.spaces if s.mm.index == mm_index)
    v = vma_at(mm, vpn << 12)
    if v is None or not v.mapping:
        return [f"mm {mm_index} maps page {vpn:#x} of a page cache, where no VMA of a file is"]
    if is_writable and not v.flags & VM_SHARED:
        return [f"mm {mm_index} may write frame {pfn} of a page cache through a private mapping at {vpn << 12:#x}"]
    index = v.pgoff + vpn - (v.start >> 12)
    if not page_flags.v[pfn] & PG_CACHE or page_mapping.v[pfn] != v.mapping or page_index.v[pfn] != index:
        return [
            f"mm {mm_index}, page {vpn:#x}: frame {pfn} is not page {index} of mapping {v.mapping} "
            f"(size {mappings[v.mapping].size}), but page {page_index.v[pfn]} of {page_mapping.v[pfn]}"
        ]
    return []
