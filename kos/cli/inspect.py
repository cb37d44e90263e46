"""`kos inspect NAME`: look into a machine that runs, hangs, or has died and not been cleaned up yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from kos.cli.main import Parser
from kos.cli.values import whole
from kos.errors import UsageError


def main(words: Sequence[str]) -> int:
    parser = Parser(
        prog="kos inspect",
        description="Look into a running machine. Without NAME: which machines there are. Nothing is changed.",
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="as given to `kos run --name`, or as listed")
    parser.add_argument("view", choices=("all", "cpus", "ps", "maps"), nargs="?", default="all", help="what to show")
    parser.add_argument("--pid", metavar="P", help="whose maps")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args(words)
    if options.view == "maps" and options.pid is None:
        raise UsageError("maps: whose? give --pid")

    from kos.report import inspect

    if options.name is None:
        found = inspect.machines()
        print(json.dumps({"schema": "kos/inspect/1", "machines": found}) if options.json else "\n".join(found))
        return 0
    arena = inspect.attach(options.name)
    if options.view == "maps":
        pid = whole("--pid", options.pid)
        if options.json:
            maps = [{**asdict(v), "start": hex(v.start), "end": hex(v.end)} for v in inspect.vma_views(pid)]
            print(json.dumps({"schema": "kos/inspect/1", "pid": pid, "maps": maps}))
        else:
            print(inspect.render_maps(pid))
        return 0
    if options.json:
        document: dict[str, object] = {"schema": "kos/inspect/1", "name": arena.block.name}
        if options.view != "ps":
            document["cpus"] = [asdict(c) for c in inspect.cpu_views(arena)]
        if options.view != "cpus":
            document["tasks"] = [asdict(t) for t in inspect.task_views()]
        print(json.dumps(document))
        return 0
    if options.view != "ps":
        print(inspect.render_cpus(arena))
    if options.view != "cpus":
        print(inspect.render_tasks())
    return 0
