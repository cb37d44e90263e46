"""Where plugins and their options are named beside the command line: KOS_PLUGINS and kos.toml.

    # kos.toml, in the folder where kos is started
    plugins = ["fork_eager", "./watch.py"]

    [set]
    poison = "1"                  # --set poison=1
    fork_cow_stack.pages = 4      # --set fork_cow_stack.pages=4

KOS_PLUGINS holds words as after -p, separated by commas. KOS_DISABLE_PLUGIN_AUTOLOAD, if set and not empty, leaves
the plugins of installed distributions alone, as pytest's PYTEST_DISABLE_PLUGIN_AUTOLOAD does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kos.errors import UsageError

FILE = "kos.toml"


@dataclass
class FileSettings:
    """What kos.toml says. settings: as --set would give them, all text."""

    plugins: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)


def read_file() -> FileSettings:
    """kos.toml of the current folder; empty where there is none."""
    try:
        with open(FILE, "rb") as f:
            data = f.read()
    except OSError:
        return FileSettings()
    import tomllib

    try:
        document = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise UsageError(f"{FILE}: {e}") from None
    for key in document:
        if key not in ("plugins", "set"):
            raise UsageError(f"{FILE}: found key {key!r}, expected `plugins` or `set`")
    plugins = document.get("plugins", [])
    if not isinstance(plugins, list) or not all(isinstance(p, str) for p in plugins):
        raise UsageError(f"{FILE}: found plugins = {plugins!r}, expected a list of strings")
    table = document.get("set", {})
    if not isinstance(table, dict):
        raise UsageError(f"{FILE}: found set = {table!r}, expected a table [set]")
    return FileSettings(plugins, dict(_flat("", table)))


def _flat(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        elif isinstance(value, bool):
            yield prefix + key, "yes" if value else "no"
        elif isinstance(value, int | float | str):
            yield prefix + key, str(value)
        else:
            raise UsageError(f"{FILE}: found {prefix}{key} = {value!r}, expected a number, a text, true or false")


def from_environment() -> list[str]:
    """The words in KOS_PLUGINS."""
    return [word.strip() for word in os.environ.get("KOS_PLUGINS", "").split(",") if word.strip()]


def autoload_disabled() -> bool:
    """Are installed plugins to be left alone?"""
    return bool(os.environ.get("KOS_DISABLE_PLUGIN_AUTOLOAD"))
