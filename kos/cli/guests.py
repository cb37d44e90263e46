"""`kos guests`: the guest programs that ship with kos, by name."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kos.cli.main import Parser
from kos.cli.programs import first_line, installed_guests


def main(words: Sequence[str]) -> int:
    parser = Parser(prog="kos guests", description="List the guest programs that ship with kos.", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args(words)
    rows = [(name, first_line(path), path) for name, path in installed_guests()]
    if options.json:
        guests = [{"name": name, "summary": text, "path": path} for name, text, path in rows]
        print(json.dumps({"schema": "kos/guests/1", "guests": guests}, indent=2))
        return 0
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, text, _ in rows:
        print(f"{name:<{width}}  {text}".rstrip())
    return 0
