"""Rule 5: committed memory, resident counts, table counts and VMA sums add up."""

from __future__ import annotations

from kos.audit.walk import Walk
from kos.mm.limits import is_data
from kos.mm.structs import VM_ACCOUNT, VM_GROWSDOWN, mappings, totals
from kos.mm.vma import for_each_vma, mapping_vmas


def audit_accounts(w: Walk) -> list[str]:
    """Problems found."""
    problems = []
    committed = 0
    refs: dict[int, int] = {}
    for space in w.spaces:
        mm = space.mm
        nr_file = space.nr_file
        found = {
            "rss_file": nr_file,
            "rss_anon": len(space.entries) - nr_file,
            "nr_tables": len(space.tables),
            "total_vm": 0,
            "data_vm": 0,
            "stack_vm": 0,
            "committed": 0,
            "nr_vmas": 0,
        }
        last = 0
        for v in for_each_vma(mm):
            pages = v.end - v.start >> 12
            found["nr_vmas"] += 1
            found["total_vm"] += pages
            found["stack_vm"] += pages if v.flags & VM_GROWSDOWN else 0
            found["data_vm"] += pages if is_data(v.flags) else 0
            found["committed"] += pages if v.flags & VM_ACCOUNT else 0
            if v.start < last or v.start >= v.end or v.mm != mm.index or (v.start | v.end) & 4095:
                problems.append(f"mm {mm.index}: VMA {v.start:#x}-{v.end:#x} is out of order, empty or misaligned")
            last = v.end
            if v.mapping:
                refs[v.mapping] = refs.get(v.mapping, 0) + 1
        for name, n in found.items():
            if getattr(mm, name) != n:
                problems.append(f"mm {mm.index}: {name} is {getattr(mm, name)}, found {n}")
        committed += found["committed"]
    for m, pages_in, nodes in w.caches:
        committed += m.charged
        if m.nr_pages != len(pages_in) or m.nr_nodes != len(nodes):
            problems.append(
                f"mapping {m.index}: counts {m.nr_pages} pages and {m.nr_nodes} nodes, "
                f"found {len(pages_in)} and {len(nodes)}"
            )
        listed = len(list(mapping_vmas(m)))
        if listed != refs.get(m.index, 0) or m.refs < listed:
            problems.append(
                f"mapping {m.index}: {listed} VMAs listed, {refs.get(m.index, 0)} map it, {m.refs} references"
            )
    for index in refs:
        if not mappings[index].refs:
            problems.append(f"mapping {index} is free and still mapped")
    if totals.s.committed != committed:
        problems.append(f"{totals.s.committed} pages are committed, found {committed}")
    return problems
