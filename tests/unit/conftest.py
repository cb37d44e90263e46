"""For tests of one layer in one process: an arena without a machine around it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from kos.arena.arena import Arena
from kos.hw.cpu import SUPERVISOR, this
from kos.params import Params
from kos.platform.host.clock import now_ns
from kos.sync import spinlock


@pytest.fixture
def arena() -> Iterator[Arena]:
    """A fresh arena of two CPUs and 16 MiB, every declared segment bound to it; this process is CPU 0."""
    made = Arena.create(f"kos-unit-{os.getpid()}-{uuid.uuid4().hex[:8]}", Params(cpus=2, memory=16 << 20))
    try:
        made.header.boot_ns = now_ns()
        spinlock.renew_all()
        this.become(0, 2)
        yield made
    finally:
        made.block.unlink()
        this.id = SUPERVISOR
