"""exit_mmap(): an address space ends."""

from __future__ import annotations

from kos.mm.limits import uncharge
from kos.mm.pagecache import put_mapping
from kos.mm.pgtable import free_tables
from kos.mm.shootdown import StaleBatch
from kos.mm.structs import Mm, mappings, mm_lock
from kos.mm.vma import for_each_vma, free_vma, unlink_vma
from kos.mm.zap import zap_range


def exit_mmap(mm: Mm) -> None:
    """Free all of an address space that nobody uses any more: entries, VMAs, tables, charges."""
    mapped = []
    with mm_lock(mm):
        stale = StaleBatch(mm)
        zap_range(mm, 0, 1 << 47, stale)
        stale.invalidate("exit")
        for v in for_each_vma(mm):
            unlink_vma(mm, v)
            if v.mapping:
                mapped.append(v.mapping)
            free_vma(v)
        if mm.pgd:
            free_tables(mm)
        uncharge(mm.committed)
        mm.committed = mm.total_vm = mm.data_vm = mm.stack_vm = 0
    for index in mapped:
        put_mapping(mappings[index])
