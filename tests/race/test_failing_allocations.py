"""Every Nth allocation of a frame fails: the program may fail, as programs do, the machine may not.

`machine.run` checks the rest: no failed audit, no hang, no process and no shared memory left.
"""

from pathlib import Path

import pytest

ORACLE = Path(__file__).parents[1] / "oracle" / "programs"
#: none of them waits for a child that may not have come to its word
PROGRAMS = [
    "cow_fork", "pipeline", "malloc_stress", "shootdown_storm",
    *(str(ORACLE / f"{name}.py") for name in ("guest_mremap", "madvise_stops_at_what_it_refuses", "rfork_flags")),
]  # fmt: skip


def ends(machine, program: str, every: int, cpus: int) -> int:
    return machine.run(program, cpus=cpus, fail_alloc=every).status


@pytest.mark.parametrize("program", ["cow_fork", PROGRAMS[-1]])
def test_a_program_that_runs_out_of_memory_fails_alone(machine, program):
    """Its statuses: its own errors, killed for memory, or none at all where the failures are rare."""
    found = {every: ends(machine, program, every, 2) for every in (1, 2, 3, 5, 11, 19, 31, 60, 199)}

    assert set(found.values()) <= {0, 1, 2, -9}, found
    assert found[1] == 2  # it cannot even be read


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("cpus", [2, 8])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: Path(path).stem)
def test_every_rate_of_failure(machine, program, cpus):
    found = {every: ends(machine, program, every, cpus) for every in range(1, 201)}

    assert set(found.values()) <= {0, 1, 2, -9}, found
