"""kos/platform/host/reaper.py: who cleans up after a machine, whichever of its processes goes first."""

from __future__ import annotations

import os
from pathlib import Path

from kos.platform.host.reaper import Reaper


def test_the_folder_goes_before_the_reaper(tmp_path: Path):
    """A machine that ends by itself leaves no folder, even if whoever had it made is dead by then."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    (folder / "events.cpu0").write_text("{}\n")
    reaper = Reaper(str(tmp_path / "block"), list, folder=str(folder), owner=os.getpid())

    reaper.dismiss()

    assert not folder.exists() and not reaper.is_alive()
    reaper.dismiss()
