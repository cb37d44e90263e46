"""The emulated modules over a stand-in for the kernel, for tests that compare them with CPython's call by call."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

_spec = importlib.util.spec_from_file_location("fake_kos", Path(__file__).with_name("fake_kos.py"))
assert _spec is not None and _spec.loader is not None
fake_kos = sys.modules["fake_kos"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fake_kos)


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, SimpleNamespace]]:
    """The emulated modules by name."""
    with fake_kos.emulated() as found:
        yield found
