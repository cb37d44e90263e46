"""run_all(): every rule over the whole arena, as `kos run` does at the end of each program."""

from __future__ import annotations

from kos.audit.files import audit_files
from kos.audit.memory import audit_memory
from kos.audit.quiet import audit_quiet


def run_all() -> list[str]:
    """One line a problem; [] = all is well. The machine is quiet."""
    return audit_quiet() + audit_memory() + audit_files()
