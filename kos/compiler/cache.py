"""Compiled code on disk, by content, so that the second run of a program starts at once.

A file is written whole under another name and renamed; whoever reads gets all of it or nothing. Any
failure (a full disk, a foreign file) only means to compile again.
"""

from __future__ import annotations

import hashlib
import marshal
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from kos.compiler.unit import CodeInfo

_MAGIC = "kos-unit"


def source_version() -> str:
    """A hash of the compiler's own files: its version."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def folder() -> Path:
    """Where units are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "kos" / "units"


def read(key: str) -> list[CodeInfo] | None:
    """The functions of a unit that was compiled before; None if there is none that can be used."""
    rows = load(key)
    try:
        return None if rows is None else [CodeInfo(*row) for row in rows]
    except TypeError:
        return None


def write(key: str, functions: list[CodeInfo]) -> None:
    """Keep a unit's functions."""
    names = [f.name for f in fields(CodeInfo)]
    store(key, [tuple(getattr(info, name) for name in names) for info in functions])


def load(key: str) -> Any:
    """What was kept under a key; None if it is not there, or not whole."""
    try:
        data = (folder() / key).read_bytes()
        digest, body = data[:32], data[32:]
        if hashlib.sha256(body).digest() != digest:
            return None
        magic, kept = marshal.loads(body)
        return kept if magic == _MAGIC else None
    except (OSError, ValueError, EOFError, TypeError):
        return None


def store(key: str, kept: Any) -> None:
    """Keep something that marshal can write."""
    body = marshal.dumps((_MAGIC, kept))
    path = folder() / key
    part = path.with_name(f"{key}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(hashlib.sha256(body).digest() + body)
        part.replace(path)
    except OSError:
        return
