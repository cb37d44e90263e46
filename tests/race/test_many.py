"""As many as there can be: processes, forks, threads; each program prints the same with any number of CPUs."""

from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
NR_LEFT = "[7] 299"  # statuses and number of the children that fit once the bomb is gone


@pytest.mark.parametrize("cpus", [2, 8])
def test_a_fork_bomb_ends_cleanly_and_leaves_room(machine, cpus):
    """It stays within RLIMIT_NPROC, and one kill of its group ends it; none of its processes says anything."""
    result = machine.run(str(PROGRAMS / "fork_bomb.py"), cpus=cpus)

    assert (result.stdout, result.stderr) == (f"bomb: -9\nwithin the limit: True\nfull\n{NR_LEFT}\n", "")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("cpus", [2, 8])
def test_ten_thousand_processes_live_at_once(machine, cpus):
    result = machine.run(str(PROGRAMS / "ten_thousand_processes.py"), cpus=cpus, limit=300)

    assert result.stdout == "live: 10000 own page: 1\nwrong: 0\n"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("cpus", [1, 2])
def test_pids_wrap(machine, cpus):
    """40,000 forks use every pid once; those of living processes are passed over."""
    result = machine.run(str(PROGRAMS / "pids_wrap.py"), cpus=cpus, limit=300)

    assert result.stdout == "wraps: 1 wrong: 0 highest: 32767\n[9, 9, 9]\n"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("cpus", [2, 8])
def test_a_thousand_threads_share_one_memory(machine, cpus):
    result = machine.run(str(PROGRAMS / "thousand_threads.py"), cpus=cpus, limit=200)

    assert result.stdout == "different: 1000\nwrong: 0 sum: 20000\n"
