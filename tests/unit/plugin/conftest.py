"""Fixtures: a folder to start kos in, files of plugins, a machine's memory with guarded plugins."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "policies"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder is empty, and no setting comes from outside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KOS_PLUGINS", raising=False)
    monkeypatch.setenv("KOS_DISABLE_PLUGIN_AUTOLOAD", "1")
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Callable[..., str]:
    """Write a plugin's file; returns the word for -p."""

    def put(source: str, name: str = "mine.py") -> str:
        (folder / name).write_text(textwrap.dedent(source))
        return f"./{name}"

    return put


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    """What a test declared is withdrawn."""
    yield
    from kos.plugin.load import current

    if current.active is not None:
        current.active.release()
        current.active = None
