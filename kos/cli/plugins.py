"""`kos plugins`: the policies that ship with kos, by kind, and which of them a machine uses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kos.cli.main import Parser
from kos.cli.programs import first_line
from kos.machine.programs import modules, plugins_folder
from kos.plugin.roles import ROLES


def main(words: Sequence[str]) -> int:
    parser = Parser(
        prog="kos plugins",
        description="List the policies that ship with kos; * marks those that a machine uses. "
        "With -p: what a machine with these plugins would use.",
        allow_abbrev=False,
    )
    parser.add_argument("-p", dest="plugins", metavar="PLUGIN", action="append", default=[], help="as for `kos run`")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args(words)
    rows = _rows(options.plugins)
    if options.json:
        print(json.dumps({"schema": "kos/plugins/1", "plugins": rows}, indent=2))
        return 0
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"{'*' if row['active'] else ' '} {row['name']:<{width}}  {row['summary']}".rstrip())
    return 0


def _rows(wanted: list[str]) -> list[dict[str, Any]]:
    active = {role.default for role in ROLES.values()}
    others: list[tuple[str, str]] = []
    if wanted:
        from kos.plugin.choose import choose

        chosen = choose(wanted)
        active = set()
        for role in ROLES.values():
            asked = chosen.order.get(role.hook, [])
            active |= {hook.plugin.name for hook in (asked if role.is_chain else asked[:1])}
        others = [(p.name, p.path) for p in chosen.plugins if not p.is_shipped]
    return [
        {
            "name": name,
            "kind": name.partition("_")[0] if name.partition("_")[0] in ROLES else None,
            "active": name in active,
            "summary": first_line(path) if path else "",
            "path": path,
        }
        for name, path in [*modules(plugins_folder()), *others]
    ]
