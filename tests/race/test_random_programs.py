"""Random programs: memory and exit statuses are what a model without any kernel says.

Several programs run in one machine, some at the same time. `kos fuzz 0:1000` does the same for as many as one likes,
and makes what differs smaller.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kos.testing.ops import Add, Clone, Dump, Exit, Fork, Map, Step, Store, Wait, programs, random_program, shrink
from kos.testing.ops_model import plan
from kos.testing.ops_run import HOST, compare, expected, run, source


def assert_no_difference(machine, seeds, **options):
    plans = {seed: plan(random_program(seed)) for seed in seeds}
    result = machine.run(source(plans), **options)
    found = compare(plans, result.status, result.stdout, result.stderr)
    assert found is None, f"program {found.name}:\n{found.text}"


@pytest.mark.parametrize("cpus", [2, 4])
def test_random_programs_do_what_the_model_says(machine, cpus):
    assert_no_difference(machine, range(100 * cpus, 100 * cpus + 12), cpus=cpus)


def test_random_programs_with_every_context_saved_and_a_small_tlb(machine):
    assert_no_difference(machine, range(6), cpus=2, stress_context=True, tlb="16x4")


def test_the_model_is_right_the_host_does_the_same():
    found = run({seed: random_program(seed) for seed in range(60)}, HOST, limit=60)
    assert found is None, f"program {found.name}:\n{found.text}"


@settings(max_examples=max(3, settings().max_examples // 50), suppress_health_check=list(HealthCheck))
@given(st.lists(programs(40), min_size=1, max_size=6))
def test_programs_that_hypothesis_finds_do_what_the_model_says(several):
    found = run(dict(enumerate(several)), limit=60)
    assert found is None, f"program {found.name}:\n{found.text}"


def test_kos_fuzz_runs_a_range_of_seeds(kos):
    result = kos("fuzz", "--batch", 2, "0:3")

    assert (result.status, result.stdout) == (0, "seeds 0 to 1: no difference\nseeds 2 to 2: no difference\n")


def test_kos_fuzz_wants_a_range(kos):
    assert kos("fuzz", "9:3").stderr == "kos fuzz: 9:3: found no seeds, expected a range such as 0:1000\n"


def test_a_seed_makes_the_same_program_each_time():
    assert random_program(7) == random_program(7)
    assert expected({7: plan(random_program(7))}) == expected({7: plan(random_program(7))})


def test_the_model_gives_a_child_a_copy():
    """What the child writes, the parent does not see; its status is what it exits with."""
    child = [Step(1, 0, Store(0, 0, 8, 5, 9)), Step(1, 1, Dump()), Step(1, 1, Exit(33, 0))]
    program = (
        Step(0, 0, Map(3, 1, 7, 0, 0, 0)), Step(0, 1, Fork()), *child, Step(0, 1, Dump()), Step(0, 1, Wait(1)),
    )  # fmt: skip

    lines = plan(program).expected.splitlines()

    zero = "c71c0011"
    assert lines[0] == "0 0: map fork"
    assert f"dump=-,-,-,{zero}," in lines[1] and lines[1].endswith("wait=True 33")
    assert "dump=-,-,-," in lines[2] and zero not in lines[2]
    assert lines[-2:] == ["ended: 10", "end"]


def test_an_atomic_add_is_done_at_least_once():
    """One of no times would leave a private page the file's, where the model has a copy."""
    ready = plan((Step(0, 0, Map(0, 1, 7, 2, 0, 0)), Step(0, 1, Add(0, 6, 0))))

    assert ready.script[0][0][1] == ("add", 0, 6, 1)


def test_what_would_depend_on_timing_is_left_out():
    """Two threads do not write one page in the same round."""
    both = [Step(0, 0, Store(0, 0, 8, 1, 9)), Step(1, 1, Store(0, 0, 8, 2, 9))]
    ready = plan((Step(0, 0, Map(0, 1, 7, 0, 0, 0)), Step(0, 1, Clone()), *both))

    assert ready.script[0][1] == [("store", 0, 0, 8, 1)]
    assert not any(op[0] == "store" for ops in ready.script[1] for op in ops)


def test_shrinking_keeps_only_what_fails():
    program = random_program(3)
    wanted = program[20]

    assert shrink(program, lambda steps: wanted in steps) == (wanted,)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("start", range(0, 1000, 50))
def test_a_thousand_random_programs(start):
    found = run({seed: random_program(seed) for seed in range(start, start + 50)}, limit=600)
    assert found is None, f"program {found.name}:\n{found.text}"
