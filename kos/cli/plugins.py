"""`kos plugins`: the policies that ship with kos, by kind."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kos.cli.main import Parser
from kos.cli.programs import first_line
from kos.machine.programs import modules, plugins_folder


def main(words: Sequence[str]) -> int:
    parser = Parser(prog="kos plugins", description="List the policies that ship with kos.", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args(words)
    rows = [
        {"name": name, "kind": name.partition("_")[0], "summary": first_line(path), "path": path}
        for name, path in modules(plugins_folder())
    ]
    if options.json:
        print(json.dumps({"schema": "kos/plugins/1", "plugins": rows}, indent=2))
        return 0
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['summary']}".rstrip())
    return 0
