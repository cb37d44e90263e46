"""`kos fuzz`: random programs, whose memory and exit statuses are compared with a model.

Prints the first difference, the program made smaller, and the line that runs it again.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from kos.cli.diff import machine_words
from kos.cli.options import add_machine_options, check_machine, check_writable
from kos.cli.values import whole
from kos.cli.words import ProgramParser
from kos.errors import UsageError
from kos.testing.ops import Program, random_program, shrink
from kos.testing.ops_model import plan
from kos.testing.ops_run import HOST, KOS, Difference, run, source

OWN = ("batch", "together", "host", "audit_only", "save")  #: options that are not the machine's


def main(words: Sequence[str]) -> int:
    """Exit status: 0 when every program did what the model says, 1 when one did not."""
    parser = ProgramParser("kos fuzz", "Run random programs, and compare what they do with a model.")
    parser.usage = "kos fuzz [options] SEEDS"
    parser.wanted = "which seeds?"
    parser.epilog = "SEEDS is a range such as 0:1000, or one seed. A seed always makes the same program."
    o = parser.option
    o("--batch", metavar="N", default="50", help="programs in one run of a machine (default 50)")
    o("--together", metavar="N", default="4", help="programs at a time in it (default 4)")
    o("--host", action="store_true", help="run them under the host's Python: is the model right?")
    o("--audit-only", action="store_true", help="only a machine that fails counts (for --fail-alloc)")
    o("--save", metavar="FILE", help="write the smallest program that differs to FILE")
    add_machine_options(parser)
    options, text, rest = parser.parse_program(words)
    check_machine(options)  # what `kos run` would refuse is refused here, once
    if options.save:
        check_writable(options.save)
    if rest:
        raise UsageError(f"{rest[0]!r}: one range of seeds is all that is taken")
    batch, together = whole("--batch", options.batch), whole("--together", options.together)
    if batch < 1 or together < 1:
        raise UsageError("--batch, --together: at least 1")
    seeds = _seeds(text)
    command = _command(options)
    for start in range(seeds.start, seeds.stop, batch):
        some = {seed: random_program(seed) for seed in range(start, min(start + batch, seeds.stop))}
        found = run(some, command, together=together, audit_only=options.audit_only)
        if found is not None:
            _explain(found, some, command, options)
            return 1
        print(f"seeds {start} to {max(some)}: no difference", flush=True)
    return 0


def _seeds(text: str) -> range:
    first, colon, last = text.partition(":")
    start = whole("SEEDS", first)
    stop = whole("SEEDS", last) if colon else start + 1
    if start < 0 or stop <= start:
        raise UsageError(f"{text}: found no seeds, expected a range such as 0:1000")
    return range(start, stop)


def _command(options: Namespace) -> list[str]:
    if options.host:
        return list(HOST)
    return [*KOS, *machine_words(Namespace(**{k: v for k, v in vars(options).items() if k not in OWN}))]


def _explain(found: Difference, some: dict[int, Program], command: list[str], options: Namespace) -> None:
    """Say what differs; then look for fewer steps that do, of that program alone."""
    print(f"program {found.name} differs:\n{found.text}", flush=True)
    machine = " ".join(command[len(HOST if options.host else KOS) :])
    own = ["--host"] * options.host + ["--audit-only"] * options.audit_only
    line = " ".join(["kos fuzz", *own, machine]).strip()

    def fails(program: Program) -> bool:
        return run({found.name: program}, command, limit=60.0, audit_only=options.audit_only) is not None

    program = some[found.name]
    if not fails(program):
        print(
            f"It did not differ again by itself. With the others: "
            f"{line} --batch {options.batch} --together {options.together} {min(some)}:{max(some) + 1}"
        )
        return
    print(f"Again: {line} {found.name}\nMaking it smaller ...", flush=True)
    program = shrink(program, fails)
    print("\n".join(f"  {step}" for step in program))
    if options.save:
        Path(options.save).write_text(source({found.name: plan(program)}))
        print(f"Written to {options.save}: kos run {machine} {options.save}".replace("  ", " "))
    sys.stdout.flush()
