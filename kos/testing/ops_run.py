"""Running random programs: their source text, what differs from the model, and the search for a small one that does."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kos.platform.host.command import run_command
from kos.testing import ops_guest, ops_races
from kos.testing.ops import Program
from kos.testing.ops_model import Plan, plan

HOST: tuple[str, ...] = (sys.executable,)
KOS: tuple[str, ...] = (sys.executable, "-m", "kos", "run", "--summary", "none")
FUTURE = "from __future__ import annotations\n"  #: stands at the beginning of a file, or nowhere
EX_SOFTWARE = 70  #: exit status of a machine that failed


@dataclass(frozen=True)
class Difference:
    """The first line in which a run is not as the model says. name: of the program."""

    name: int
    text: str


def source(plans: dict[int, Plan], together: int = 4) -> str:
    """One ordinary guest program that does all these, `together` of them at a time."""
    lines = ["MORE['race'] = race", "PLANS = ["]
    for name, one in plans.items():
        lines.append(f"    ({name}, ([  # program {name}: what each task does in each of its rounds")
        for task in one.script:
            lines.append("        [")
            lines += [f"            {ops!r}," for ops in task]
            lines.append("        ],")
        lines.append(f"    ], {one.rounds!r})),")
    lines += ["]", f"main(PLANS, {together})", ""]
    begin, *rest = (Path(str(part.__file__)).read_text() for part in (ops_guest, ops_races))
    return "\n\n".join([begin, *(text.replace(FUTURE, "") for text in rest), "\n".join(lines)])


def expected(plans: dict[int, Plan]) -> str:
    """What source(plans) prints."""
    return "".join(f"program {name}\n{one.expected}" for name, one in plans.items())


def compare(plans: dict[int, Plan], status: int | None, stdout: str, stderr: str = "") -> Difference | None:
    """The first difference between a run of source(plans) and the model."""
    wanted, found = expected(plans).splitlines(), stdout.splitlines()
    name = next(iter(plans), 0)
    for number, line in enumerate(wanted):
        if line.startswith("program "):
            name = int(line.split()[1])
        got = found[number] if number < len(found) else "(end of output)"
        if got != line:
            rest = "\n    ".join([*found[number + 1 : number + 4], *stderr.splitlines()[-25:]])
            return Difference(name, f"  model: {line}\n  run:   {got}\n    {rest}")
    if len(found) > len(wanted) or status != 0:
        more = "\n    ".join([*found[len(wanted) :], *stderr.splitlines()[-25:]])
        return Difference(name, f"  at the end: exit status {status}\n    {more}")
    return None


def run(
    programs: dict[int, Program],
    command: Sequence[str] = KOS,
    *,
    together: int = 4,
    limit: float = 300.0,
    audit_only: bool = False,
) -> Difference | None:
    """Run programs by a command that takes a file (HOST, or KOS with options), and compare with the model.

    audit_only: what the programs do does not matter, only whether the machine is whole at the end.
    """
    plans = {name: plan(program) for name, program in programs.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "random_programs.py")
        path.write_text(source(plans, together))
        status, out, err = run_command([*command, str(path)], dict(os.environ), limit)
    stdout, stderr = out.decode(errors="replace"), err.decode(errors="replace")
    if audit_only:
        if status not in (None, EX_SOFTWARE):
            return None
        return Difference(next(iter(plans)), f"  exit status {status}\n{stderr[-3000:]}")
    return compare(plans, status, stdout, stderr)
