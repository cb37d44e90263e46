"""Commands that plugins add: looked up when `kos NAME` is none of kos' own."""

from __future__ import annotations

import traceback
from collections.abc import Container, Sequence

from kos.errors import HostError, MachineFailed, UsageError, describe
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
                found, owner = _checked(command.main, f"{hook.plugin}, command {name!r}"), str(hook.plugin)
    return found


def _checked(main: Command, who: str) -> Command:
    """A plugin's command whose mistakes are named, in one line each."""

    def checked(words: Sequence[str]) -> int:
        try:
            status = main(words)
        except (UsageError, HostError, MachineFailed, OSError, SystemExit):
            raise
        except Exception as e:
            place = traceback.extract_tb(e.__traceback__)[-1]
            raise MachineFailed(f"{who}: raised {describe(e)} ({place.filename}:{place.lineno})") from e
        if status is not None and type(status) is not int:
            raise MachineFailed(f"{who}: returned {status!r}, expected an exit status")
        return status or 0

    return checked
