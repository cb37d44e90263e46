"""The same booted machine as the tests of memory management have."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "mm"))

from mm_fixtures import box, make_box

__all__ = ["box", "make_box"]
