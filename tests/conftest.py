"""Fixtures: a machine to run programs on, and the proof that nothing of it is left.

Machines are booted through the command line, in a process of their own: what a test sees is what a user sees,
and no death of a machine can take the tests with it. Every process of a machine inherits KOS_TEST_RUN from the
environment, so leftovers are found by /proc/PID/environ even when they were renamed or adopted by init, and
tests that run at the same time do not see each other's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Properties: the same examples in each run, so that green stays green; `--hypothesis-profile roam` looks for new ones.
_everywhere: Any = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}
settings.register_profile("repeatable", derandomize=True, database=None, max_examples=100, **_everywhere)
settings.register_profile("roam", max_examples=5000, **_everywhere)
settings.load_profile("repeatable")

# In the background of a script (`pytest &`) SIGINT is ignored, and what we start would ignore its Ctrl-C, too.
signal.signal(signal.SIGINT, signal.default_int_handler)

MARK = "KOS_TEST_RUN"
LIMIT = 60.0  # seconds that a run may take on a busy host with two cores


@dataclass
class Result:
    """How a command ended. status: exit status, negative for a signal."""

    status: int
    stdout: str
    stderr: str

    @property
    def summary(self) -> dict[str, Any]:
        """The document that `--summary json` wrote: the last line of stderr."""
        found: dict[str, Any] = json.loads(self.stderr.splitlines()[-1])
        return found


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Returns when the condition holds; fails the test when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.01)


class Running:
    """A `kos` command that runs."""

    def __init__(self, words: list[str], mark: str, cwd: Path, **popen: Any) -> None:
        self.words = words
        self.mark = mark
        self._out = open(cwd / f"stdout.{mark}", "w+b")
        self._err = open(cwd / f"stderr.{mark}", "w+b")
        environ = {**os.environ, MARK: mark, **popen.pop("env", {})}
        popen = {"stdin": subprocess.DEVNULL, "stdout": self._out, "stderr": self._err, **popen}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kos", *words], cwd=cwd, env=environ, start_new_session=True, **popen
        )
        self.pid = self.process.pid

    def output(self) -> str:
        self._out.seek(0)
        return self._out.read().decode("utf-8", "replace")

    def errors(self) -> str:
        self._err.seek(0)
        return self._err.read().decode("utf-8", "replace")

    def wait_for(self, text: str, seconds: float = LIMIT) -> None:
        """Until the program has printed `text`."""
        wait_until(lambda: text in self.output() or self.process.poll() is not None, seconds, f"{text!r} on stdout")
        assert text in self.output(), f"ended before it printed {text!r}:\n{self.errors()}"

    def wait(self, seconds: float = LIMIT) -> Result:
        """Until it has ended; a run that hangs is described, killed, and fails the test."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            state = self.describe()
            self.kill()
            pytest.fail(f"kos {' '.join(self.words)}: did not end within {seconds} s\n{state}")
        return Result(status, self.output(), self.errors())

    def processes(self) -> dict[int, str]:
        """pid -> name of every process that carries this run's mark."""
        found = {}
        wanted = f"{MARK}={self.mark}".encode()
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if wanted in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0"):
                        found[int(entry)] = Path(f"/proc/{entry}/comm").read_text().strip()
                except OSError:
                    continue  # ended meanwhile
        return found

    def cpus(self) -> dict[int, str]:
        """The CPU processes among them."""
        return {pid: name for pid, name in self.processes().items() if name.startswith("kos-cpu")}

    def blocks(self) -> list[str]:
        """Shared memory of this run: named after the process, or as --name said."""
        names = {f"kos-{self.words[i + 1]}" for i, word in enumerate(self.words[:-1]) if word == "--name"}
        return [n for n in os.listdir("/dev/shm") if n.startswith(f"kos-{self.pid}-") or n in names]

    def describe(self) -> str:
        """Everything that helps to understand a hang."""
        lines = [f"stdout: {self.output()[-2000:]}", f"stderr: {self.errors()[-4000:]}"]
        for pid, name in self.processes().items():
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                wchan = Path(f"/proc/{pid}/wchan").read_text()
            except OSError:
                continue
            lines.append(f"process {pid} {name}: state {stat[0]}, ticks {stat[11]}+{stat[12]}, waits in {wchan or '-'}")
        for block in self.blocks():
            look = [sys.executable, "-m", "kos", "inspect", block.removeprefix("kos-")]
            try:
                seen = subprocess.run(look, capture_output=True, text=True, timeout=20)
                lines.append(seen.stdout + seen.stderr)
            except subprocess.TimeoutExpired:
                lines.append(f"{block}: kos inspect did not end")
        return "\n".join(lines)

    def kill(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)

    def assert_nothing_is_left(self, seconds: float = 5.0) -> None:
        wait_until(lambda: not self.processes(), seconds, f"processes are left: {self.processes()}\n{self.words}")
        wait_until(lambda: not self.blocks(), seconds, f"/dev/shm holds {self.blocks()}\n{self.words}")


class Kos:
    """Runs `kos` commands in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Running] = []

    def start(self, *words: object, **popen: Any) -> Running:
        """Start `kos WORDS`; keywords go to Popen (env is added to the environment)."""
        running = Running([str(word) for word in words], uuid.uuid4().hex, self.folder, **popen)
        self.started.append(running)
        return running

    def __call__(self, *words: object, limit: float = LIMIT, **popen: Any) -> Result:
        return self.start(*words, **popen).wait(limit)

    def program(self, source: str, name: str = "prog.py") -> Path:
        """Write a guest program."""
        path = self.folder / name
        path.write_text(textwrap.dedent(source))
        return path


@pytest.fixture
def kos(tmp_path: Path) -> Iterator[Kos]:
    """The `kos` command. At the end of the test nothing may be left of what it started."""
    commands = Kos(tmp_path)
    try:
        yield commands
        for running in commands.started:
            assert running.process.poll() is not None, f"the test left `kos {' '.join(running.words)}` running"
            running.assert_nothing_is_left()
    finally:
        for running in commands.started:
            running.kill()
            for block in running.blocks():
                Path("/dev/shm", block).unlink(missing_ok=True)


class Machine:
    """Runs guest programs; each run boots a machine, and its audit must find nothing."""

    def __init__(self, kos: Kos) -> None:
        self._kos = kos

    def run(self, program: str, *arguments: str, limit: float = LIMIT, **options: object) -> Result:
        """program: name of a guest, path, or source text (anything with a newline). options: cpus=2, log=..."""
        if "\n" in program:
            program = str(self._kos.program(program))
        words: list[object] = []
        for name, value in {"summary": "none", **options}.items():
            words += [f"--{name.replace('_', '-')}"] if value is True else [f"--{name.replace('_', '-')}", value]
        result = self._kos("run", *words, program, "--", *arguments, limit=limit)
        assert result.status != 70, f"the machine failed:\n{result.stderr}"
        return result


@pytest.fixture
def machine(kos: Kos) -> Machine:
    """A machine to run programs on; nothing of it may be left at the end of the test."""
    return Machine(kos)
