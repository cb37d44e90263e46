"""Fixtures of memory management: a booted machine without CPUs, audited at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mm_box import Box, boot_box

from kos.audit.memory import audit_memory
from kos.hw.cpu import SUPERVISOR, this
from kos.mm.structs import mms
from kos.sync import spinlock


@pytest.fixture
def make_box() -> Iterator[Callable[..., Box]]:
    """boot_box(); at the end every machine is audited."""
    made: list[Box] = []

    def make(**options: Any) -> Box:
        made.append(boot_box(**options))
        return made[-1]

    yield make
    spinlock.debug.check_order = False
    if made:
        assert audit_memory() == []
        assert list(mms.used()) == []
        for bell in this.bells:
            bell.close()
        this.bells = []
        this.id = SUPERVISOR


@pytest.fixture
def box(make_box: Callable[..., Box]) -> Box:
    """One CPU, 16 MiB."""
    return make_box()
