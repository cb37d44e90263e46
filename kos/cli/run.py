"""`kos run PROGRAM`: boot a machine, run one program on it, show what happened."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from kos.cli.main import EX_SOFTWARE
from kos.cli.options import add_machine_options, add_plugin_options, check_flags, machine_config
from kos.cli.programs import check_source, find_program
from kos.cli.words import ProgramParser


def main(words: Sequence[str]) -> int:
    """Exit status: the guest's own; 70 when the machine failed."""
    parser = ProgramParser("kos run", "Run a program on a machine of simulated CPUs.")
    add_machine_options(parser)
    parser.option("--summary", choices=("text", "json", "none"), default="text", help="what stderr shows at the end")
    ours = parser.known_options()
    add_plugin_options(parser, words)
    options, program, arguments = parser.parse_program(words)
    config = machine_config(options)
    path = find_program(program)
    check_source(path)

    from kos.machine.machine import Machine
    from kos.platform.host.process import die_of

    with Machine(config) as machine:
        check_flags(ours, machine.booted.plugins.chosen)
        result = machine.run(path, arguments, dict(os.environ))
    if result.report:
        print(result.report.rstrip("\n"), file=sys.stderr)
    for problem in result.problems:
        print(f"kos run: {problem}", file=sys.stderr)
    for note in result.notes:
        print(note, file=sys.stderr)
    if options.summary != "none" and result.summary is not None:
        from kos.report.summary import render_text, to_json

        show = render_text if options.summary == "text" else to_json
        print(show(result.summary), file=sys.stderr)
    if result.problems or result.report:
        return EX_SOFTWARE
    if result.status & 0x7F:
        die_of(result.status & 0x7F)  # as a shell's child would: whoever started us sees the same status
    return result.exit_code
