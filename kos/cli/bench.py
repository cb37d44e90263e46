"""`kos bench`: the same work on the host and in kos, in turn, and the ratio of the two."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from kos.cli.main import Parser
from kos.cli.options import check_plugins
from kos.cli.values import did_you_mean, settings, whole
from kos.errors import UsageError


def main(words: Sequence[str]) -> int:
    """Exit status 0, whatever was measured: a slow machine is no error."""
    from kos.bench.rows import ROWS

    names = [*dict.fromkeys(row.group for row in ROWS), "beside"]
    parser = Parser(
        prog="kos bench",
        description="Measure kos beside the host: every row does the same work on both, alternating.",
        epilog=f"rows: {', '.join(names)} (default: all)",
        allow_abbrev=False,
    )
    o = parser.add_argument
    o("rows", nargs="*", metavar="ROW", help="which rows (default all)")
    o("--rounds", metavar="N", default="5", help="how many times each side runs (default 5)")
    o("--json", action="store_true", help="one JSON document, for --compare")
    o("--compare", metavar="FILE", help="show how the ratios changed since this document was written")
    o("-p", dest="plugins", metavar="PLUGIN", action="append", default=[], help="as for `kos run`")
    o("--set", dest="settings", metavar="KEY=VALUE", action="append", default=[], help="as for `kos run`")
    options = parser.parse_args(words)
    for name in options.rows:
        if name not in names:
            raise UsageError(f"no row {name!r}{did_you_mean(name, names) or '; rows: ' + ', '.join(names)}")
    rounds = whole("--rounds", options.rounds)
    if rounds < 1:
        raise UsageError(f"--rounds {rounds}: at least 1")
    given = settings(options.settings)
    check_plugins(options.plugins, given)
    earlier = _earlier(options.compare) if options.compare else None

    from kos.bench.beside import measure_beside
    from kos.bench.measure import measure
    from kos.bench.report import beside_lines, document, heading, line

    show = (lambda text: None) if options.json else print
    show(heading(earlier is not None))
    found = []
    for row in ROWS:
        if options.rows and row.group not in options.rows:
            continue
        found.append(measure(row, rounds, options.plugins, given))
        show(line(found[-1], earlier))
        sys.stdout.flush()
    beside = measure_beside() if not options.rows or "beside" in options.rows else {}
    show("\n".join(beside_lines(beside)))
    if options.json:
        print(json.dumps(document(found, beside), indent=2))
    return 0


def _earlier(path: str) -> dict[str, float]:
    """Row name -> ratio, of an earlier run's --json."""
    try:
        with open(path, encoding="utf-8") as f:
            data = json.load(f)
        return {row["name"]: float(row["ratio"]) for row in data["rows"]}
    except OSError as e:
        raise UsageError(f"--compare {path!r}: {e.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"--compare {path!r}: not a document of `kos bench --json`") from None
