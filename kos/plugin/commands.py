"""Commands that plugins add: looked up when `kos NAME` is none of kos' own."""

from __future__ import annotations

from collections.abc import Container, Sequence

from kos.errors import UsageError
from kos.hooks.tables import Command, CommandTable
from kos.plugin.choose import choose


def find_command(name: str, plugins: Sequence[str], shipped: Container[str]) -> Command | None:
    """What `kos NAME` calls, or None. plugins: words as after -p; shipped: names that cannot be taken."""
    found: Command | None = None
    owner = ""
    for hook in choose(plugins).order.get("kos_commands", []):
        table = CommandTable()
        hook(commands=table)
        for command in table.commands.values():
            if command.name in shipped:
                raise UsageError(
                    f"{hook.plugin}, hook {hook.name}: found command {command.name!r}, expected a name that kos does "
                    "not have itself"
                )
            if command.name == name:
                if found is not None:
                    raise UsageError(
                        f"{hook.plugin}, hook {hook.name}: found command {name!r}, expected one plugin to have it, "
                        f"{owner} has it too"
                    )
                found, owner = command.main, str(hook.plugin)
    return found
