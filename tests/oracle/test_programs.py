"""The host's own CPython is the oracle: every program prints the same and exits the same under kos.

A program here is an ordinary Python file, one behaviour each. What it must print is never written down: it is
what the host's Python prints when it runs the same file, with the same `kos.guest` on the host's own memory.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("**/*.py"))
GUESTS = sorted(p for p in (Path(__file__).parents[2] / "guests").glob("*.py") if not p.name.startswith("_"))
#: how each program runs: with few and many CPUs, and with its context saved and restored at every suspension
WAYS = {"2 cpus": {"cpus": 2}, "4 cpus, stress": {"cpus": 4, "stress_context": True}}


def on_the_host(path: Path) -> tuple[int, str]:
    """(exit status, stdout) under the host's Python; a signal is a negative status, as it is of `kos run`."""
    done = subprocess.run(
        [sys.executable, path], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd=path.parent
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_a_program_prints_the_same_under_kos(machine, path, way):
    result = machine.run(str(path), **way)

    assert (result.status, result.stdout) == on_the_host(path), result.stderr


@pytest.mark.parametrize("path", GUESTS, ids=lambda p: p.stem)
def test_a_guest_that_ships_with_kos_prints_the_same(machine, path):
    result = machine.run(str(path), cpus=2)

    assert (result.status, result.stdout) == on_the_host(path), result.stderr


@pytest.mark.parametrize("path", GUESTS, ids=lambda p: p.stem)
def test_a_guest_says_what_to_look_for(path):
    """Each opens with a docstring: it is what `kos guests` lists."""
    import ast

    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert doc and len(doc.splitlines()[0]) <= 100
