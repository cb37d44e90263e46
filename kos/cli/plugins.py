"""`kos plugins`: which policies there are, which of them a machine would use, from where, and their options."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kos.cli.main import Parser
from kos.cli.values import settings


def main(words: Sequence[str]) -> int:
    parser = Parser(
        prog="kos plugins",
        description="List plugins by role: * is active, - is replaced by another, the rest can be named with -p. "
        "With -p and --set: what a machine started with them would use.",
        allow_abbrev=False,
    )
    o = parser.add_argument
    o("-p", dest="plugins", metavar="PLUGIN", action="append", default=[], help="as for `kos run`")
    o("--set", dest="settings", metavar="KEY=VALUE", action="append", default=[], help="as for `kos run`")
    o("--json", action="store_true", help="one JSON document")
    options = parser.parse_args(words)
    from kos.plugin.list import render, rows, to_json

    found = rows(options.plugins, settings(options.settings))
    if options.json:
        print(json.dumps({"schema": "kos/plugins/1", "plugins": to_json(found)}, indent=2))
    else:
        print(render(found))
    return 0
