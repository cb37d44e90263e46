"""A booted machine without CPUs for every test here: mm_fixtures.py, mm_box.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # mm_box.py and mm_fixtures.py, which are no tests

from mm_fixtures import box, make_box

__all__ = ["box", "make_box"]
