"""Many CPUs at once, many times: no hang, no failed audit."""

import pytest


def assert_storms(machine, times: int, **options) -> None:
    for turn in range(times):
        result = machine.run("shootdown_storm", **options)
        assert result.status == 0, f"turn {turn}: {result}"


@pytest.mark.parametrize("cpus", [2, 8])
def test_cpus_that_shoot_at_each_other_all_get_through(machine, cpus):
    assert_storms(machine, 3, cpus=cpus)


def test_a_storm_with_the_lock_order_checked(machine):
    """No lock is taken out of order, and a TLB of sixteen entries misses all the time."""
    assert_storms(machine, 1, cpus=4, debug_locks=True, tlb="16x4")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("cpus", [2, 8])
def test_two_hundred_storms(machine, cpus):
    assert_storms(machine, 200, cpus=cpus)
