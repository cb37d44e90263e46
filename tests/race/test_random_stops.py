"""Random programs that stop, continue and end a process which is busy: whoever may not come to answer is not asked."""

from __future__ import annotations

import pytest

from kos.testing.ops import Clone, Continue, Fork, Handle, Kill, Signal, Step, Stop, random_program
from kos.testing.ops_model import Plan, plan
from kos.testing.ops_run import HOST, compare, run, source

#: task 0 makes task 1, a process, which makes task 2, a thread
BEGIN = (Step(0, 0, Fork()), Step(1, 0, Clone()))
STOP, STOP_BUSY, CONTINUE = Stop(1, 0), Stop(1, 1), Continue(0)
KILL, KILL_BUSY, TERM, TERM_BUSY = Kill(1, 0, 0), Kill(1, 0, 1), Kill(1, 1, 0), Kill(1, 1, 1)
#: what task 0 does; "/" begins a new round
SHAPES = {
    "stopped again": [STOP_BUSY, CONTINUE, STOP],
    "stopped again, busy": [STOP_BUSY, CONTINUE, STOP_BUSY],
    "stopped twice again": [STOP_BUSY, CONTINUE, STOP, CONTINUE, STOP_BUSY, CONTINUE],
    "stopped again in the round that continues it": [STOP_BUSY, "/", CONTINUE, STOP, "/", CONTINUE, STOP_BUSY],
    "stopped and continued in one round": [STOP_BUSY, CONTINUE, "/", STOP_BUSY, "/", CONTINUE],
    "killed when it comes to an end": [STOP_BUSY, "/", CONTINUE, KILL],
    "terminated when it comes to an end": [STOP_BUSY, "/", CONTINUE, TERM],
    "terminated when it comes to an end, busy": [STOP_BUSY, CONTINUE, TERM_BUSY],
    "killed in its second stop": [STOP_BUSY, CONTINUE, STOP, KILL_BUSY],
    "stopped when idle": [STOP, CONTINUE, STOP, "/", CONTINUE, KILL],
}


def program_of(words):
    steps, gap = list(BEGIN), 0
    for word in words:
        if word != "/":
            steps.append(Step(0, gap, word))
        gap = int(word != "/")
    return tuple(steps)


def unsure_answers(made: Plan) -> list[tuple[int, int]]:
    """(round, task) of answers that a stop or an end of the answering process may prevent."""
    process_of, at, found = {0: 0}, [0] * len(made.script), []
    for number, (players, answering) in enumerate(made.rounds):
        last = {}
        for task in players:
            for name, *a in made.script[task][at[task]]:
                if name in ("fork", "clone"):
                    process_of[a[0]] = a[0] if name == "fork" else process_of[task]
                elif name in ("stop", "kill", "continue"):
                    last[a[0]] = name
            at[task] += 1
        found += [(number, t) for t in answering if last.get(process_of[t], "continue") != "continue"]
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_no_answer_is_awaited_from_a_process_that_is_stopped_or_ended_in_the_round(shape):
    made = plan(program_of(SHAPES[shape]))

    assert [op for ops in made.script[0] for op in ops if op[0] in ("stop", "kill")]
    assert unsure_answers(made) == []


def test_no_random_program_awaits_one():
    assert {seed: unsure_answers(plan(random_program(seed))) for seed in range(300)} == {n: [] for n in range(300)}


def test_a_task_that_is_stopped_again_answers_in_the_round_that_continues_it():
    made = plan(program_of([STOP_BUSY, "/", CONTINUE, STOP, "/", CONTINUE]))

    assert made.script[2][:3] == [[("spin", 1)], [("spin", 2)], [("rest",)]]
    assert made.rounds[2:5] == [([0, 1, 2], [0]), ([0, 1, 2], [0]), ([0, 1, 2], [0, 1, 2])]


def test_the_host_and_the_machine_do_what_the_model_says_of_stops(machine):
    """With a handler as well, and a signal that finds the process coming to its end."""
    programs = {number: program_of(words) for number, words in enumerate(SHAPES.values())}
    handled = (BEGIN[0], Step(1, 0, Handle(5, 2)), Step(1, 0, Clone()))
    programs[99] = (*handled, Step(0, 0, STOP_BUSY), Step(0, 0, CONTINUE), Step(0, 1, Signal(1)), Step(0, 1, STOP))
    plans = {number: plan(program) for number, program in programs.items()}

    assert ("signal", 1) in [op for ops in plans[99].script[0] for op in ops]
    assert run(programs, HOST, limit=120) is None
    result = machine.run(source(plans), cpus=2)
    assert compare(plans, result.status, result.stdout, result.stderr) is None


def test_a_signal_that_comes_when_a_process_has_only_just_begun_is_not_lost():
    """On the host: its Python forgets, in the child of a fork, which signals came before os.fork() returned."""
    program = (Step(0, 0, Handle(5, 0)), Step(0, 1, Fork()), Step(0, 0, Signal(1)))
    one = plan(program)

    assert one.script[0][1] == [("signal", 1)] and "- 5 5\n" in one.expected
    assert run(dict.fromkeys(range(40), program), HOST, together=20, limit=120) is None
