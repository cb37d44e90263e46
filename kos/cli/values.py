"""What may stand after an option: sizes, counts, geometries; each refused with one clear line.

Only the form is checked here; which values a machine can have is MachineConfig's to say.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from kos.errors import UsageError

_SIZE = re.compile(r"([0-9]{1,18})(?:([KMG])(?:I?B)?|B)?", re.ASCII | re.IGNORECASE)
_SHIFT = {None: 0, "K": 10, "M": 20, "G": 30}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """', did you mean X?' for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]!r}?" if near else ""


def whole(option: str, text: str) -> int:
    """A whole number, also a negative one: its range is checked by who knows it."""
    if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
        raise UsageError(f"{option} {text!r}: not a whole number")
    return int(text)


def size(option: str, text: str) -> int:
    """Bytes: a number with an optional K, M or G (powers of 1024; KB and KiB are K)."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{option} {text!r}: not a size (examples: 64M, 16G, 8388608)")
    unit = match[2]
    return int(match[1]) << _SHIFT[unit.upper() if unit else None]


def geometry(option: str, text: str) -> tuple[int, int]:
    """ENTRIESxWAYS."""
    match = re.fullmatch(r"([0-9]{1,9})x([0-9]{1,9})", text, re.ASCII | re.IGNORECASE)
    if match is None:
        raise UsageError(f"{option} {text!r}: not ENTRIESxWAYS (example: 1024x4)")
    return int(match[1]), int(match[2])


def seconds(option: str, text: str) -> float:
    """A time in seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise UsageError(f"{option} {text!r}: not a time in seconds above 0")
    return value


def settings(words: Iterable[str]) -> dict[str, str]:
    """--set key=value, repeatable; the last one of a key holds."""
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {word!r}: not KEY=VALUE")
        found[key.strip()] = value.strip()
    return found
