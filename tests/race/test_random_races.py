"""Operations of random programs in which threads and children race: whatever happens, only one thing comes of it."""

from __future__ import annotations

import re

import pytest

from kos.testing import ops
from kos.testing.ops import Dump, Fork, Map, Race, Step, random_program
from kos.testing.ops_model import plan
from kos.testing.ops_races import CONTESTS
from kos.testing.ops_run import HOST, compare, run, source

KINDS = {"private": 0, "shared": 1, "private of the file": 2, "shared of the file": 3}


def contest_on(kind):
    """Parent and child at the same time, each on its page of one mapping."""
    begin = [Step(0, 0, Map(2, 3, 7, kind, 0, 0)), Step(0, 1, Fork())]
    steps = []
    for contest in range(len(CONTESTS)):
        steps += [Step(0, 0, Race(0, contest, 37, 12)), Step(1, 1, Race(1, contest, 38, 5))]
        steps += [Step(0, 0, Dump()), Step(1, 1, Dump())]
    return (*begin, *steps)


@pytest.mark.parametrize("options", [{"cpus": 2}, {"cpus": 8, "tlb": "16x4"}], ids=["2 cpus", "8 cpus"])
def test_every_contest_ends_as_the_model_says(machine, options):
    plans = {kind: plan(contest_on(kind)) for kind in KINDS.values()}

    assert all(one.expected.count("race=") == 2 * len(CONTESTS) for one in plans.values())
    result = machine.run(source(plans), **options)
    assert compare(plans, result.status, result.stdout, result.stderr) is None


def test_every_contest_ends_so_on_the_host_too():
    assert run({kind: contest_on(kind) for kind in KINDS.values()}, HOST, limit=120) is None


def test_random_programs_do_every_operation_and_every_contest():
    done = [op for seed in range(300) for task in plan(random_program(seed)).script for ops in task for op in ops]

    names = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower() for kind in ops.WEIGHTS}
    assert names - {op[0] for op in done} == set()
    assert {op[2] for op in done if op[0] == "race"} == set(range(len(CONTESTS)))
