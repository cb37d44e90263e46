"""Kill any process of a running machine at any moment: nothing is left."""

import os
import random
import signal
import time

import pytest

PROGRAM = """
import os
from kos import guest

shared = guest.mmap(0, 1 << 16, 3, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
print("up", flush=True)
while True:
    pid = os.fork()
    if pid == 0:
        page = guest.mmap(0, 8192, 3, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
        guest.store64(page, 1)
        guest.munmap(page, 8192)
        guest.fetch_add64(shared, 1)
        os._exit(0)
    os.waitpid(pid, 0)
"""


def one_death(kos, seed: int) -> None:
    choose = random.Random(seed)
    running = kos.start("run", "--cpus", choose.choice([1, 2, 4]), "--summary", "none", kos.program(PROGRAM))
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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fifty_deaths_leave_nothing(kos):
    for seed in range(100, 150):
        one_death(kos, seed)
