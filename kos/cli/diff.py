"""`kos diff PROGRAM`: the host's CPython is the oracle; where does kos differ from it?

Runs the program once as a plain script under the host's Python and then under kos, n times, and compares
standard output and exit status. Timing, pids and addresses differ by nature: a program that prints them
differs here too, and is no bug of either.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from kos.cli.options import add_machine_options, check_machine
from kos.cli.programs import check_source, find_program
from kos.cli.values import seconds, whole
from kos.cli.words import ProgramParser
from kos.errors import UsageError
from kos.platform.host.command import run_command


@dataclass(frozen=True)
class Outcome:
    """What is compared. status: exit status; -N = killed by signal N; None = did not end in time."""

    status: int | None
    stdout: bytes
    stderr: bytes = b""


def main(words: Sequence[str]) -> int:
    """Exit status: 0 when every run was equal to the host's, 1 when one was not."""
    parser = ProgramParser("kos diff", "Run a program under the host's Python and under kos, and compare.")
    parser.option("-n", dest="runs", metavar="N", default="1", help="how often it runs under kos (default 1)")
    add_machine_options(parser)
    options, program, arguments = parser.parse_program(words)
    runs = whole("-n", options.runs)
    if runs < 1:
        raise UsageError(f"-n {runs}: at least one run")
    check_machine(options)  # what `kos run` would refuse is refused here, once
    path = find_program(program)
    check_source(path)
    limit = 60.0 if options.timeout is None else seconds("--timeout", options.timeout)

    unbuffered = ["-u"] if options.unbuffered else []
    host = _outcome([sys.executable, *unbuffered, path, *arguments], limit)
    command = [sys.executable, "-m", "kos", "run", "--summary", "none", *machine_words(options), path, "--", *arguments]
    for turn in range(1, runs + 1):
        found = first_difference(host, _outcome(command, limit))
        if found is not None:
            print(f"{program}: run {turn} of {runs}: {found}")
            return 1
    print(f"{program}: {runs} {'runs' if runs > 1 else 'run'} equal to the host's")
    return 0


def machine_words(options: object) -> list[str]:
    """The machine options again, as words for `kos run`."""
    words = []
    for name, value in vars(options).items():
        if name in ("runs", "timeout") or value in (None, False, []):
            continue
        for one in value if isinstance(value, list) else [value]:
            flag = {"plugins": "-p", "settings": "--set", "unbuffered": "-u"}.get(name, "--" + name.replace("_", "-"))
            words += [flag] if one is True else [flag, str(one)]
    return words


def first_difference(host: Outcome, kos: Outcome) -> str | None:
    """One paragraph about the first line or status that differs; None when the two are equal."""
    hint = kos.stderr.decode("utf-8", "replace").strip()
    tail = f"\n  kos said on stderr:\n    {hint[-2000:]}".replace("\n", "\n    ") if hint else ""
    if host.stdout != kos.stdout:
        a, b = host.stdout.splitlines(), kos.stdout.splitlines()
        n = next((i for i in range(min(len(a), len(b))) if a[i] != b[i]), min(len(a), len(b)))
        return f"stdout, line {n + 1}\n  host: {_line(a, n)}\n  kos:  {_line(b, n)}{tail}"
    # The shell's 128+N is all that is left of a signal when `kos run` exits by itself.
    if host.status != kos.status and _as_exit(host.status) != kos.status:
        return f"exit status\n  host: {_words(host.status)}\n  kos:  {_words(kos.status)}{tail}"
    return None


def _outcome(command: list[str], limit: float) -> Outcome:
    return Outcome(*run_command(command, dict(os.environ), limit))


def _line(lines: list[bytes], n: int) -> str:
    return repr(lines[n][:400])[1:] if n < len(lines) else "(end of output)"


def _as_exit(status: int | None) -> int | None:
    return status if status is None or status >= 0 else 128 - status


def _words(status: int | None) -> str:
    if status is None:
        return "did not end in time"
    return f"exit {status}" if status >= 0 else f"killed by signal {-status}"
