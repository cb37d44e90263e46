"""The host's own CPython is the oracle: every program prints the same and exits the same under kos.

A program here is an ordinary Python file, one behaviour each. What it must print is never written down: it is
what the host's Python prints when it runs the same file, with the same `kos.guest` on the host's own memory.

Programs run one after another on a machine that stays up: it is audited after each, and whatever one of them left
behind would show in the next. The guests that ship with kos are run as a user runs them.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kos
from kos.machine.result import Result

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
if sys.version_info >= (3, 12):  # what an older Python cannot read
    PROGRAMS += sorted((Path(__file__).parent / "programs" / "since_3_12").glob("*.py"))
GUESTS = sorted(p for p in (Path(__file__).parents[2] / "guests").glob("*.py") if not p.name.startswith("_"))
#: how each program runs: with few and many CPUs, and with its context saved and restored at every suspension
WAYS: dict[str, dict[str, Any]] = {"2 cpus": {"cpus": 2}, "4 cpus, stress": {"cpus": 4, "stress_context": True}}
SHIPPED = sorted(p.stem for p in (Path(__file__).parents[2] / "plugins").glob("[a-z]*.py"))
#: ... and in the long run: one CPU, eight, a TLB that holds next to nothing, each policy that ships
SLOW_WAYS: dict[str, dict[str, Any]] = {
    "1 cpu": {"cpus": 1},
    "8 cpus": {"cpus": 8},
    "8 cpus, stress": {"cpus": 8, "stress_context": True},
    "tlb 16x4": {"cpus": 2, "tlb": (16, 4)},
    **{name: {"cpus": 4, "plugins": [name]} for name in SHIPPED},
}


@functools.cache
def on_the_host(path: Path) -> tuple[int, str]:
    """(exit status, stdout) under the host's Python; a signal is a negative status, as it is of `kos run`."""
    done = subprocess.run(
        [sys.executable, path], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd=path.parent
    )
    return done.returncode, done.stdout


class Lasting:
    """A machine for one program after another; one that failed is replaced. A hang ends in a report after 60 s."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self.plugins: list[str] = options.get("plugins", [])
        self._machine: kos.Machine | None = None

    def run(self, path: Path) -> Result:
        if self._machine is None:
            self._machine = kos.Machine(memory="4G", events=(), timeout=60.0, **self._options)
        result = self._machine.run(str(path))
        if result.report is not None:
            self.close()
        assert result.report is None, f"the machine failed:\n{result.report}\n{result.stderr}"
        assert result.problems == [], "the audit found:\n" + "\n".join(result.problems)
        return result

    def close(self) -> None:
        machine, self._machine = self._machine, None
        if machine is not None:
            machine.close()


#: looks, by pagemap, at which pages a child shares: so it does under the policies that share
PINNED = {("fork_eager", "pagemap_after_the_other_is_gone")}


def _ways() -> list[Any]:
    slow = [pytest.param(way, id=name, marks=pytest.mark.slow) for name, way in SLOW_WAYS.items()]
    return [pytest.param(way, id=name) for name, way in WAYS.items()] + slow


@pytest.fixture(scope="module", params=_ways())
def lasting(request: pytest.FixtureRequest) -> Iterator[Lasting]:
    machine = Lasting(**request.param)
    yield machine
    machine.close()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_a_program_prints_the_same_under_kos(lasting: Lasting, path: Path) -> None:
    if any((plugin, path.stem) in PINNED for plugin in lasting.plugins):
        pytest.skip(f"says what another policy than {lasting.plugins} does")
    result = lasting.run(path)

    assert (os.waitstatus_to_exitcode(result.status), result.stdout) == on_the_host(path), result.stderr


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
