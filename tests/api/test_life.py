"""Whose machine it is, and that it goes with its owner: threads, forks, signals, ends of all kinds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

BEGIN = """
import os, signal, sys, threading, time
import kos
m = kos.Machine(cpus=1, memory="16M")
print(m.name, m._folder, flush=True)
"""
FOREVER = "m.run('while True: pass\\n')\n"
SOON = "threading.Timer(0.5, lambda: {}).start()\n"

ENDS = {
    "not closed": ("", 0),
    "sys.exit": ("sys.exit(3)\n", 3),
    "an exception": ("with m: 1 / 0\n", 1),
    "os._exit": ("os._exit(4)\n", 4),
    "a kill": ("os.kill(os.getpid(), 9)\n", -9),
    "a kill while it runs": (SOON.format("os.kill(os.getpid(), 9)") + FOREVER, -9),
    "Ctrl-C while it runs": (SOON.format("os.kill(os.getpid(), 2)") + FOREVER, -2),
    "a thread that runs": (
        f"threading.Thread(target=lambda: {FOREVER[:-1]}, daemon=True).start()\ntime.sleep(0.5)\n",
        0,
    ),
    "another thread's close": (SOON.format("m.close()") + FOREVER, 1),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_machine_goes_with_its_program(how: str) -> None:
    """However the program ends: no process, no memory, no folder, and nothing said about it that it did not cause."""
    body, status = ENDS[how]

    done = subprocess.run([sys.executable, "-c", BEGIN + body], capture_output=True, text=True, timeout=60)

    assert done.returncode == status, done.stderr
    if status in (0, 3, 4):
        assert done.stderr == ""
    name, folder = done.stdout.split()
    end = time.monotonic() + 20
    while os.path.exists(f"/dev/shm/{name}") or os.path.exists(folder):
        assert time.monotonic() < end, f"left: {name}, {folder}"
        time.sleep(0.01)


def said(source: str) -> str:
    """stdout of a program that uses kos, without the line that BEGIN prints."""
    done = subprocess.run([sys.executable, "-c", BEGIN + source], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.partition("\n")[2]


def test_threads_take_turns() -> None:
    """Each gets the output of its own program: all were written to one file, and the last one ran for all."""
    assert said(
        "out = [None] * 6\n"
        "def f(n): out[n] = m.run(f'print({n})\\n').stdout\n"
        "threads = [threading.Thread(target=f, args=(n,)) for n in range(6)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "print(''.join(out).split(), os.listdir(m._folder).count('events'))\n"
    ).startswith("['0', '1', '2', '3', '4', '5']")


def test_a_machine_outlives_the_thread_that_made_it() -> None:
    """The host's kernel reports the end of that thread as the end of the parent."""
    assert (
        said(
            "box = []\n"
            "t = threading.Thread(target=lambda: box.append(kos.Machine(cpus=1)))\n"
            "t.start(); t.join(); time.sleep(0.3)\n"
            "print(box[0].run('print(5)\\n').stdout)\n"
        )
        == "5\n\n"
    )


def test_a_fork_of_the_program_has_no_part_in_it() -> None:
    """It is told so, takes nothing along when it ends, and does not keep the machine from closing."""
    assert said(
        "if os.fork() == 0:\n"
        "    try: m.run('print(2)\\n')\n"
        "    except Exception as e: print(e, flush=True)\n"
        "    m.close()\n"
        "    sys.exit(0)\n"
        "os.wait()\n"
        "pid = os.fork()\n"
        "if pid == 0: time.sleep(60)\n"
        "print(m.run('print(3)\\n').stdout, os.path.isdir(m._folder))\n"
        "began = time.monotonic(); m.close(); print(time.monotonic() - began < 20)\n"
        "os.kill(pid, 9)\n"
    ) == ("this machine belongs to the program that made it, of which this process is a fork\n3\n True\nTrue\n")


def test_a_program_without_standard_streams_has_machines_too() -> None:
    read, write = os.pipe()
    source = (
        f"import os\nos.close(0); os.close(1)\nimport kos\nr = kos.Machine().run('print(1)\\n')\n"
        f"os.write({write}, r.stdout_bytes)\nprint(os.listdir('/proc/self/fd')[:3], file=open('/dev/null', 'w'))\n"
    )
    done = subprocess.run([sys.executable, "-c", source], pass_fds=[write], timeout=60)
    os.close(write)
    with os.fdopen(read) as f:
        assert (done.returncode, f.read()) == (0, "1\n")


def test_a_supervisor_that_is_killed_ends_its_machine() -> None:
    assert (
        said(
            f"os.kill(m.host_pid, {int(signal.SIGKILL)})\n"
            "try: m.run('print(1)\\n')\n"
            "except Exception as e: print(type(e).__name__, e)\n"
            "print(m)\n"
        )
        == "HostError the machine's supervisor process has died\n<kos.Machine closed: 1 CPUs, 16 MiB>\n"
    )


def test_a_guest_begins_where_its_caller_is(tmp_path: Path) -> None:
    """As any child process does: not where the caller was when the machine was made. A folder that is gone is told."""
    assert said(f"os.chdir({str(tmp_path)!r}); print(m.run('import os\\nprint(os.getcwd())\\n').stdout)\n").split() == [
        str(tmp_path)
    ]
    folder = tempfile.mkdtemp(dir=tmp_path)
    assert "the current folder is gone" in said(
        f"os.chdir({folder!r}); os.rmdir({folder!r})\ntry: m.run('print(1)\\n')\nexcept Exception as e: print(e)\n"
    )
