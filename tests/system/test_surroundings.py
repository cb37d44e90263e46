"""`kos` in odd surroundings: full disks, other encodings, pipes for logs, small limits: one clear line, or it works."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KOS = [sys.executable, "-m", "kos"]


def run(*words: str | bytes, cwd: Path, **how: Any) -> subprocess.CompletedProcess[bytes]:
    """A command, its outputs as bytes."""
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "timeout": 60, **how}
    return subprocess.run([*KOS, *words], cwd=cwd, **how)


@pytest.mark.parametrize("words", [["guests"], ["plugins", "--json"], ["--help"], ["run", "--help"], ["inspect"]])
def test_a_full_disk_is_one_line(tmp_path: Path, words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = run(*words, cwd=tmp_path, stdout=full)

    assert (done.returncode, done.stderr.count(b"\n")) == (70, 1), done.stderr
    assert b"No space left on device" in done.stderr


def test_output_of_the_program_that_cannot_be_written_ends_it(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = run("run", "--summary", "none", "hello", cwd=tmp_path, stdout=full)

    assert done.stderr == b"kos run: the program's output cannot be written (descriptor 1): No space left on device\n"
    assert done.returncode == 2


def test_a_log_may_be_a_pipe(tmp_path: Path) -> None:
    """What the CPUs write meanwhile is nowhere beside it, and gone at the end."""
    read, write = os.pipe()
    log = f"/dev/fd/{write}"
    done = run("run", "--summary", "none", "--log", log, "hello", cwd=tmp_path, pass_fds=[write])
    os.close(write)
    with os.fdopen(read) as f:
        assert '"event": "proc.fork"' in f.read()
    assert (done.returncode, os.listdir(tmp_path)) == (0, [])


def test_a_log_that_cannot_be_written_is_told_at_the_end(tmp_path: Path) -> None:
    done = run("run", "--summary", "none", "--log", "/dev/full", "hello", cwd=tmp_path)

    assert done.stderr == b"kos run: the log '/dev/full' is lost: No space left on device\n"
    assert done.returncode == 70
    assert not list(Path("/dev").glob("full.*"))


def test_a_run_that_is_refused_leaves_no_log(tmp_path: Path) -> None:
    assert run("run", "--log", "x.jsonl", "-p", "nosuch", "hello", cwd=tmp_path).returncode == 2
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["spéc ial.py".encode(), b"\xff.py"])
@pytest.mark.parametrize("language", ["C", "C.UTF-8"])
def test_programs_of_any_name_run_in_any_language(tmp_path: Path, name: bytes, language: str) -> None:
    """A file name is bytes: what of it is no text in this locale comes back as it was."""
    with open(os.fsencode(tmp_path) + b"/" + name, "w") as f:
        f.write("import os, sys\nos.write(1, os.fsencode(os.path.basename(sys.argv[0])))\n")
    environ = {**os.environ, "LC_ALL": language, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    done = run("run", "--summary", "none", name, cwd=tmp_path, env=environ)

    assert (done.returncode, done.stderr, done.stdout) == (0, b"", name)


def _gone() -> None:
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")


def _few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))


def _little_space() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))


SMALL: dict[str, tuple[Callable[[], None], bytes]] = {
    "a folder that is gone": (_gone, b"the current folder is gone"),
    "few descriptors": (_few_files, b"Too many open files"),
    "little address space": (_little_space, b"Cannot allocate memory"),
}


@pytest.mark.parametrize("what", SMALL)
def test_a_host_that_gives_too_little_is_one_line(tmp_path: Path, what: str) -> None:
    limit, says = SMALL[what]
    path = tmp_path / "prog.py"
    path.write_text("print(1)\n")

    done = run("run", "--summary", "none", str(path), cwd=tmp_path, preexec_fn=limit)

    assert done.returncode in (2, 70), done
    assert says in done.stderr and done.stderr.count(b"\n") == 1, done.stderr


def test_a_link_that_leads_nowhere_and_a_name_without_its_ending(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to("/no/such")
    (tmp_path / "b.py").write_text("print(1)\n")

    assert b"'a.py': it is a link to '/no/such', which leads nowhere" in run("run", "a.py", cwd=tmp_path).stderr
    assert b"no program 'b', did you mean 'b.py'?" in run("run", "b", cwd=tmp_path).stderr


PLUGINS = {
    "raises": ("commands.add('foo', lambda words: 1 / 0)", 70, "command 'foo': raised ZeroDivisionError"),
    "returns no status": (
        "commands.add('foo', lambda words: 'x')",
        70,
        "command 'foo': returned 'x', expected an exit",
    ),
    "returns nothing": ("commands.add('foo', lambda words: None)", 0, ""),
}


@pytest.mark.parametrize("what", PLUGINS)
def test_a_plugins_command_that_goes_wrong_is_named(kos: Any, what: str) -> None:
    body, status, says = PLUGINS[what]
    kos.program(f"def kos_commands(commands): {body}\n", "bad.py")

    result = kos("-p", "./bad.py", "foo")

    assert result.status == status and says in result.stderr and result.stderr.count("\n") == bool(says)


def test_options_that_are_taken_are_refused_whether_they_are_given_or_not(kos: Any) -> None:
    for name, flag in (("a.py", "--cpus"), ("b.py", "--mine"), ("c.py", "--mine")):
        kos.program(f"def kos_options(table): table.add('x', 1, flag={flag!r})\ndef kos_summary(): pass\n", name)

    ours = kos("run", "-p", "./a.py", "hello")
    theirs = kos("run", "-p", "./b.py", "-p", "./c.py", "hello")

    assert (ours.status, theirs.status) == (2, 2)
    assert "found option --cpus, expected one that kos does not have" in ours.stderr
    assert "found option --mine, expected one that b does not have" in theirs.stderr


@pytest.mark.parametrize(("room", "says"), [("16M", "/dev/shm has 16 MiB free"), ("64M", "/dev/shm has 0 KiB left: ")])
def test_a_small_dev_shm_is_told(tmp_path: Path, room: str, says: str) -> None:
    """Before the machine is made where nothing would fit; later, without a word lost, where the program fills it."""
    own = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--user", "--map-root-user"])]
    if subprocess.run([*own, "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], capture_output=True).returncode:
        pytest.skip("this host lets us mount nothing")
    source = "import mmap\nm = mmap.mmap(-1, 96 << 20)\nfor i in range(0, 96 << 20, 4096):\n    m[i] = 1\n"
    (tmp_path / "prog.py").write_text(source)
    command = " ".join([*KOS, "run", "--memory", "128M", "--summary", "json", "prog.py"])
    words = [*own, "sh", "-c", f"mount -t tmpfs -o size={room} tmpfs /dev/shm && {command}; s=$?; ls /dev/shm; exit $s"]

    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (70 if "left" in says else 2, "")
    assert says in done.stderr and "enlarge it" in done.stderr


def test_a_host_without_processes_is_one_line(tmp_path: Path) -> None:
    source = (
        "import os, sys\n"
        "real, left = os.fork, [int(sys.argv[1])]\n"
        "def fork():\n"
        "    left[0] -= 1\n"
        "    if left[0] < 0: raise BlockingIOError(11, 'Resource temporarily unavailable')\n"
        "    return real()\n"
        "os.fork = fork\n"
        "from kos.cli.main import main\n"
        "sys.exit(main(['run', '--name', 'few', 'hello']))\n"
    )
    for n in range(3):
        done = subprocess.run([sys.executable, "-c", source, str(n)], cwd=tmp_path, capture_output=True, timeout=60)
        says = b"kos run: the host starts no more processes: Resource temporarily unavailable (see `ulimit -u`)\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, b"", says)
        assert not os.path.exists("/dev/shm/kos-few")
