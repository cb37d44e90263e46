"""Tracebacks as a guest should see them: without the frames of kos itself."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import kos

_HOME = str(Path(kos.__file__).parent)


def is_own(filename: str) -> bool:
    """Whether code of that file is a part of kos: the runtime, its library, the scheduler below."""
    return filename.startswith(_HOME)


def clean(trace: TracebackType | None) -> TracebackType | None:
    """The same traceback without the entries of kos; made of new entries, the given ones stay as they are."""
    kept: list[TracebackType] = []
    while trace is not None:
        if not is_own(trace.tb_frame.f_code.co_filename):
            kept.append(trace)
        trace = trace.tb_next
    result: TracebackType | None = None
    for entry in reversed(kept):
        result = TracebackType(result, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return result
