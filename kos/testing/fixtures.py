"""pytest fixtures, found by pytest through the entry point `kos`: machines that prove at the end that they are whole.

    def test_my_policy_keeps_processes_apart(make_machine):
        machine = make_machine(cpus=4, plugins=["./my_policy.py"])
        result = machine.run("cow_fork")
        assert result.exit_code == 0

When the test ends, each machine is closed, and the test fails if any run's audit found a problem, or if a machine
ended by itself. A test that wants to see that says `result.problems.clear()`, or looks at `result.report` and sets
it to None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kos.machine.client import Machine


@pytest.fixture
def make_machine() -> Iterator[Callable[..., Machine]]:
    """Makes machines; arguments as for kos.Machine."""
    from kos.machine.client import Machine
    from kos.machine.result import Result

    made: list[Machine] = []
    results: list[Result] = []

    class Watched(Machine):
        """A machine whose results are looked at when the test ends."""

        def run(self, *args: Any, **options: Any) -> Result:
            result = super().run(*args, **options)
            results.append(result)
            return result

    def make(*args: Any, **options: Any) -> Machine:
        machine = Watched(*args, **options)
        made.append(machine)
        return machine

    try:
        yield make
    finally:
        for machine in made:
            machine.close()
    for result in results:
        assert result.report is None, f"the machine ended by itself:\n{result.report}"
        assert result.problems == [], "the audit found:\n" + "\n".join(result.problems)


@pytest.fixture
def machine(make_machine: Callable[..., Machine]) -> Machine:
    """A machine of two CPUs and 64 MiB."""
    return make_machine()
