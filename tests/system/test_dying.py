"""Whatever dies, however: the run ends soon, says why, and nothing is left behind."""

import os
import signal
import subprocess
import sys

import pytest

# Two processes, one computing and one asleep, on all CPUs: something of every kind to kill.
BUSY = """
import os, time
if os.fork() == 0:
    while True:
        pass
print("up", flush=True)
while True:
    time.sleep(0.01)
"""


@pytest.fixture
def busy(kos):
    running = kos.start("run", "--cpus", "3", "--summary", "none", kos.program(BUSY))
    running.wait_for("up")
    return running


@pytest.mark.parametrize("number", [0, 2])
def test_a_killed_cpu_ends_the_run_with_a_report(busy, number):
    """kill -9 of a CPU: within 2 s (and what the host needs), status 70, the CPU is named."""
    (pid,) = [pid for pid, name in busy.cpus().items() if name == f"kos-cpu{number}"]
    os.kill(pid, signal.SIGKILL)
    result = busy.wait(8)

    assert result.status == 70
    assert f"cpu {number}" in result.stderr.lower() or f"cpu{number}" in result.stderr.lower()
    busy.assert_nothing_is_left()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_stopped_cpu_ends_the_run_with_a_report(busy, number):
    """kill -STOP of a CPU, busy or idle: it hangs, so the run ends with status 70 and names it."""
    (pid,) = [pid for pid, name in busy.cpus().items() if name == f"kos-cpu{number}"]
    os.kill(pid, signal.SIGSTOP)
    result = busy.wait(8)

    assert result.status == 70
    assert f"cpu {number} " in result.stderr and "hangs" in result.stderr
    busy.assert_nothing_is_left()


def test_a_kernel_that_runs_in_a_circle_ends_the_run_with_a_report(kos):
    """A policy that never comes back: plugin, CPU, task, lock and line are named; and it is soon."""
    plugin = kos.program(
        """
        from kos.api import hookimpl
        from kos_plugins.fork_cow import CowFork

        class Circle(CowFork):
            def copy_range(self, old, new, vma):
                while True:
                    pass

        @hookimpl
        def kos_fork_policy():
            return Circle()
        """
    )
    running = kos.start("run", "--cpus", "2", "--summary", "none", "-p", plugin, "cow_fork")
    result = running.wait(8)

    assert result.status == 70
    assert "copy_range(): hangs" in result.stderr and "locks held: mm[" in result.stderr
    assert f"plugin {plugin.stem!r}" in result.stderr and "while True" in result.stderr
    running.assert_nothing_is_left()


def test_library_code_may_compute_as_long_as_it_likes(kos):
    """Two seconds in one call of a native module are no hang."""
    prog = kos.program(
        """
        import statistics, time
        end = time.process_time() + 2
        class Endless:
            def __iter__(self):
                return self
            def __next__(self):
                if time.process_time() > end:
                    raise StopIteration
                return 1
        print(statistics.mean(Endless()))
        """
    )
    assert kos("run", "--cpus", "2", "--summary", "none", prog).stdout == "1\n"


def test_a_killed_supervisor_leaves_nothing(busy):
    """kill -9 of the parent: every process and the shared memory go with it."""
    assert len(busy.cpus()) == 3
    os.kill(busy.pid, signal.SIGKILL)

    assert busy.wait(8).status == -signal.SIGKILL
    busy.assert_nothing_is_left()


def test_ctrl_c_is_130(busy):
    """As the terminal sends it: to every process of the group."""
    os.killpg(busy.pid, signal.SIGINT)
    result = busy.wait(8)

    assert result.status == 130
    assert "Traceback" not in result.stderr
    busy.assert_nothing_is_left()


def test_sigterm_cleans_up(busy):
    """SIGTERM to the parent alone."""
    os.kill(busy.pid, signal.SIGTERM)
    result = busy.wait(8)

    assert result.status in (128 + signal.SIGTERM, -signal.SIGTERM)
    assert "Traceback" not in result.stderr
    busy.assert_nothing_is_left()


def test_a_closed_stdout_ends_the_run(kos):
    """The reader goes away while the guest writes: no hang, no traceback, nothing left."""
    prog = kos.program("while True:\n    print('x' * 1000)\n")
    read_end, write_end = os.pipe()
    running = kos.start("run", "--cpus", "2", "--summary", "none", prog, stdout=write_end)
    os.close(write_end)
    assert os.read(read_end, 10) == b"x" * 10
    os.close(read_end)
    result = running.wait(10)

    assert result.status != 0
    assert "supervisor" not in result.stderr
    running.assert_nothing_is_left()


def test_a_run_that_takes_too_long_is_ended(kos):
    """--timeout: the machine ends, and says so."""
    result = kos("run", "--cpus", "1", "--timeout", "1", "--summary", "none", kos.program("while True:\n    pass\n"))

    assert result.status == 70
    assert "--timeout" in result.stderr


def test_cpus_are_processes_with_names(busy):
    """`ps` shows them: one host process a CPU, from boot to shutdown."""
    assert sorted(busy.cpus().values()) == ["kos-cpu0", "kos-cpu1", "kos-cpu2"]
    os.kill(busy.pid, signal.SIGTERM)
    busy.wait(8)


def test_an_idle_machine_sleeps(kos):
    """A machine whose tasks all sleep uses under 2 % of a host core."""
    prog = kos.program("print('up', flush=True)\ninput()\n")
    running = kos.start("run", "--cpus", "4", "--summary", "none", prog, stdin=subprocess.PIPE)
    running.wait_for("up")

    def used() -> float:
        ticks = 0
        for pid in running.processes():
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    import time

    before = used()
    time.sleep(3)
    share = (used() - before) / 3
    running.process.communicate(b"\n", timeout=20)

    assert share < 0.02


def test_a_stdout_that_was_never_open(kos):
    """`kos run ... >&-`: what the guest prints is lost, and lands in no descriptor of the machine's."""
    prog = kos.program("print('lost')\nraise SystemExit(3)\n")
    words = [sys.executable, "-m", "kos", "run", "--cpus", "1", "--summary", "none", prog]
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *words], stderr=subprocess.PIPE, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (3, "")


@pytest.mark.parametrize("turn", range(3))
def test_a_cpu_that_is_rung_while_it_comes_up_lives(kos, turn):
    """A busy host gives a CPU its core late: the supervisor may ring before it looks at anything."""
    running = kos.start("run", "--cpus", 8, "--summary", "none", "hello")
    rung = set()
    while running.process.poll() is None:
        for pid in running.cpus():
            try:
                os.kill(pid, signal.SIGUSR1)
            except ProcessLookupError:
                continue  # it has ended
            rung.add(pid)

    assert rung
    assert running.wait().status == 0, running.errors()


@pytest.mark.parametrize("cpus", [2, 8])
def test_a_cpu_that_dies_while_others_come_up_ends_the_run(kos, cpus):
    running = kos.start("run", "--cpus", cpus, "--summary", "none", "hello")
    while not (found := running.cpus()):
        assert running.process.poll() is None
    os.kill(min(found), signal.SIGKILL)
    result = running.wait(10)

    assert result.status == 70 and "died: killed by signal 9" in result.stderr, result
    running.assert_nothing_is_left()


@pytest.mark.parametrize("cpus", [1, 2, 8])
def test_a_child_that_never_sleeps_ends_with_its_program(machine, cpus):
    """It is alone on the CPU that is told to kill what is left, and never comes to the kernel by itself."""
    program = """
import os, time
if os.fork() == 0:
    os.sched_setaffinity(0, {0})
    while True:
        pass
os.sched_setaffinity(0, {os.cpu_count() - 1})
time.sleep(0.05)
os._exit(3)
"""
    assert machine.run(program, cpus=cpus).status == 3
