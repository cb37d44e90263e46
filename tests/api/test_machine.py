"""kos.Machine: what a program, a test or a notebook can do with a machine."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import kos
from kos.errors import UsageError


@pytest.fixture(scope="module")
def machine() -> Iterator[kos.Machine]:
    """One machine for the tests that only look."""
    with kos.Machine(cpus=2, memory="64M") as made:
        yield made


def test_a_guest_may_be_a_name(machine: kos.Machine) -> None:
    result = machine.run("hello")

    assert (result.exit_code, result.stderr, result.problems, result.report) == (0, "", [], None)
    assert "hello" in result.stdout.lower()
    assert result.ok


def test_a_guest_may_be_a_file_or_source_text(machine: kos.Machine, tmp_path: Path) -> None:
    source = "import sys\nprint(sys.argv[1:], sys.stdin.read())\nsys.exit(3)\n"
    path = tmp_path / "prog.py"
    path.write_text(source)

    for guest in (source, str(path), path):
        result = machine.run(guest, args=["a", 1], stdin="in")
        assert (result.exit_code, result.stdout) == (3, "['a', '1'] in\n")


def test_outputs_are_kept_apart_whatever_the_callers_own_are() -> None:
    """A caller whose two outputs are one file (`2>&1`) got all of the guest's in stdout."""
    look = (
        "import kos\n"
        "with kos.Machine() as m:\n"
        "    for _ in range(2):\n"
        '        r = m.run(\'import os\\nos.write(1, b"out")\\nos.write(2, b"err")\\n\')\n'
        "        print(r.stdout, r.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", look], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    assert done.stdout == "out err\n" * 2


def test_a_guest_may_be_a_function(machine: kos.Machine) -> None:
    """It gets its arguments as they are; its int is the exit code."""

    def child_says(words: list[str], times: int) -> int:
        import os

        pid = os.fork()
        if pid == 0:
            print(*words * times, flush=True)
            os._exit(5)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    result = machine.run(child_says, args=[["a", "b"], 2])

    assert (result.exit_code, result.stdout) == (5, "a b a b\n")


def test_results_have_events_counters_and_histograms(machine: kos.Machine) -> None:
    before = machine.run("pass\n").histograms["fork"].n
    result = machine.run("import os\nif os.fork():\n    os.wait()\n")

    assert [event["event"] for event in result.named("proc.fork")] == ["proc.fork"]
    assert len(result.named("proc.exit")) == 2
    assert [e["ts"] for e in result.events] == sorted(e["ts"] for e in result.events)
    assert result.histograms["fork"].n == before + 1
    assert result.total("nr_forks") >= 1


def test_it_shows_itself_in_a_notebook(machine: kos.Machine) -> None:
    result = machine.run("print('<b>')\n")

    assert "&lt;b&gt;" in result._repr_html_()
    assert "fork_cow" in machine._repr_html_()
    assert "exit code 0" in str(result)


def test_mistakes_are_told_at_once(machine: kos.Machine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no guest 'nosuch', expected one of"):
        machine.run("nosuch")
    with pytest.raises(UsageError, match=r"no file '/nosuch\.py'"):
        machine.run("/nosuch.py")
    with pytest.raises(UsageError, match=r"guest.py:1: SyntaxError"):
        machine.run("def f(:\n")
    with pytest.raises(UsageError, match="found a lambda, expected a function with a name"):
        machine.run(lambda: tmp_path)
    with pytest.raises(UsageError, match="not a size"):
        kos.Machine(memory="much")
    with pytest.raises(UsageError, match="did you mean 'fork_eager'"):
        kos.Machine(plugins=["fork_eagr"])
    with pytest.raises(UsageError, match=r"expected a list: \['fork_eager'\]"):
        kos.Machine(plugins="fork_eager")
    assert machine.run("print(1)\n").stdout == "1\n"


def test_a_policy_may_be_defined_in_the_program() -> None:
    """As in a notebook's cell: an object with hooks is a plugin, and is copied into every CPU."""
    from kos.api import ForkPolicy, Mm, Vma, copy_range

    class Counting:
        name = "counting"

        def copy_range(self, old: Mm, new: Mm, vma: Vma) -> None:
            copy_range(old, new, vma)

        def must_flush(self) -> bool:
            return False

    def kos_fork_policy() -> ForkPolicy:
        return Counting()

    with kos.Machine(plugins=[kos_fork_policy]) as machine:
        result = machine.run("import os\nif os.fork():\n    os.wait()\n")
        assert [p["name"] for p in machine.plugins() if p["roles"] == ["fork"] and p["state"] == "active"] == [
            "kos_fork_policy"
        ]

    assert [event["policy"] for event in result.named("proc.fork")] == ["counting"]


def test_several_machines_run_at_once() -> None:
    """Each has its own processes and memory; threads of the program may run them at the same time."""
    source = "import os, sys\nprint(os.cpu_count(), sys.argv[1])\n"
    said: dict[int, str] = {}
    with kos.Machine(cpus=1) as one, kos.Machine(cpus=3) as three:
        assert one.name != three.name

        def run(machine: kos.Machine) -> None:
            said[machine.config.cpus] = machine.run(source, args=[machine.config.cpus]).stdout

        threads = [threading.Thread(target=run, args=(machine,)) for machine in (one, three)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert said == {1: "1 1\n", 3: "3 3\n"}


def test_nothing_is_left() -> None:
    """After close() no process and no shared memory; a closed machine says so."""
    with kos.Machine() as machine:
        name, pid = machine.name, machine._service.pid  # type: ignore[union-attr]
        assert os.path.exists(f"/dev/shm/{name}")

    assert not os.path.exists(f"/dev/shm/{name}")
    assert not os.path.exists(f"/proc/{pid}")
    machine.close()
    with pytest.raises(UsageError, match="this machine is closed"):
        machine.run("hello")


def test_fixtures_audit_their_machines(tmp_path: Path) -> None:
    """The fixtures that ship with kos: a test whose machine panics fails, however its own assertions end."""
    (tmp_path / "test_mine.py").write_text(
        "def test_good(machine):\n"
        "    assert machine.run('hello').exit_code == 0\n\n"
        "class Bad:\n"
        "    name = 'bad'\n"
        "    def copy_range(self, old, new, vma):\n"
        "        return 1\n"
        "    def must_flush(self):\n"
        "        return True\n\n"
        "def kos_fork_policy():\n"
        "    return Bad()\n\n"
        "def test_bad(make_machine):\n"
        "    machine = make_machine(cpus=1, plugins=[kos_fork_policy])\n"
        "    assert machine.run('import os\\nos.fork()\\n').exit_code == 70\n"
    )
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "kos.testing.fixtures", "-p", "no:cacheprovider", "."]

    ran = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100)

    assert "2 passed, 1 error" in ran.stdout
    assert "plugin 'kos_fork_policy', hook 'kos_fork_policy': copy_range(): returned 1, expected None" in ran.stdout
