"""Kill any process of a running machine at any moment: nothing is left. Stop it and continue it: nothing happens."""

import os
import random
import signal
import time

import pytest

PROGRAM = """
import os
import sys
from kos import guest

shared = guest.mmap(0, 1 << 16, 3, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
print("up", flush=True)
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        page = guest.mmap(0, 8192, 3, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
        guest.store64(page, 1)
        guest.munmap(page, 8192)
        guest.fetch_add64(shared, 1)
        os._exit(0)
    os.waitpid(pid, 0)
print(guest.load64(shared))
"""
FOR_EVER = 10**9


def one_death(kos, seed: int) -> None:
    choose = random.Random(seed)
    running = kos.start("run", "--cpus", choose.choice([1, 2, 4]), "--summary", "none", kos.program(PROGRAM), FOR_EVER)
    running.wait_for("up")
    time.sleep(choose.random() * 0.2)  # a random moment is the point: any of them has to be survived
    victim = choose.choice(sorted(running.processes()))
    os.kill(victim, signal.SIGKILL)
    result = running.wait(10)

    assert result.status in (70, -signal.SIGKILL), f"seed {seed}: {result}"
    running.assert_nothing_is_left()


@pytest.mark.parametrize("seed", range(5))
def test_a_death_at_a_random_moment_leaves_nothing(kos, seed):
    """Any of the processes: a CPU, the supervisor, or whoever cleans up after it."""
    one_death(kos, seed)


def some_stops(kos, seed: int) -> None:
    """A CPU only so shortly that it is not taken for one that hangs; the others, and all together, for long."""
    choose = random.Random(seed)
    running = kos.start("run", "--cpus", choose.choice([1, 2, 4]), "--summary", "none", kos.program(PROGRAM), 300)
    running.wait_for("up")
    for _ in range(choose.randrange(1, 4)):
        time.sleep(choose.random() * 0.1)
        found = running.processes()
        if not found:
            break
        one = choose.choice(sorted(found))
        victims = choose.choice([[one], sorted(found)])
        is_short = len(victims) == 1 and found[one].startswith("kos-cpu")
        for number, seconds in ((signal.SIGSTOP, 0.1 if is_short else 1.2), (signal.SIGCONT, 0)):
            for victim in victims:
                try:
                    os.kill(victim, number)
                except ProcessLookupError:
                    pass  # it has ended
            time.sleep(seconds)
    result = running.wait()

    assert (result.status, result.stdout, result.stderr) == (0, "up\n300\n", ""), f"seed {seed}"
    running.assert_nothing_is_left()


@pytest.mark.parametrize("seed", range(3))
def test_processes_that_are_stopped_and_continued_at_random_moments_go_on(kos, seed):
    """Also all of them at once, as by Ctrl-Z."""
    some_stops(kos, seed)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fifty_times_stopped_and_continued(kos):
    for seed in range(100, 150):
        some_stops(kos, seed)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fifty_deaths_leave_nothing(kos):
    for seed in range(100, 150):
        one_death(kos, seed)
