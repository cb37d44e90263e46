"""Fixtures for policies: a machine's memory with plugins, audited at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from policy_box import PolicyBox, boot_policies

from kos.audit.memory import audit_memory
from kos.hw import ipi
from kos.hw.cpu import SUPERVISOR, this
from kos.mm.structs import mms
from kos.plugin.find import shipped_names
from kos.sync import spinlock

KINDS = ("fork", "alloc", "fault", "shootdown", "transport", "tlb", "sched")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """An argument that is named for a kind (`fork_plugin`) takes every shipped plugin of that kind in turn."""
    for kind in KINDS:
        if f"{kind}_plugin" in metafunc.fixturenames:
            metafunc.parametrize(f"{kind}_plugin", [n for n in shipped_names() if n.startswith(f"{kind}_")])


@pytest.fixture
def boot() -> Iterator[Callable[..., PolicyBox]]:
    """boot_policies(); at the end the memory is audited and everything is given back."""
    made: list[PolicyBox] = []

    def make(*plugins: object, **options: Any) -> PolicyBox:
        made.append(boot_policies(plugins, **options))
        return made[-1]

    try:
        yield make
        if made:
            if this.pending[0]:
                ipi.poll_ipis()
            assert audit_memory() == []
            assert list(mms.used()) == []
    finally:
        spinlock.debug.check_order = False
        for bell in this.bells:
            bell.close()
        this.bells = []
        this.id = SUPERVISOR
        this.mm = None
        for box in made:
            box.active.release()
