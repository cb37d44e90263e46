"""Guests on a toy machine in a process of its own: the runtime's tests need no kernel."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Result:
    """What a run left."""

    stdout: str
    stderr: str
    status: int | None  #: as wait() gives it; None: the toy machine itself failed
    sizes: list[int]  #: bytes of each snapshot


@pytest.fixture(scope="session")
def toy() -> Iterator[subprocess.Popen[str]]:
    """The process of the toy machine."""
    command = [sys.executable, str(Path(__file__).with_name("toymachine.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def guest(toy: subprocess.Popen[str], tmp_path: Path) -> Callable[..., Result]:
    """guest(source, *argv, **files) runs a program beside the files; name_of_folder is a file in a folder."""

    def run(source: str, *argv: str, **files: str) -> Result:
        for name, text in files.items():
            path = tmp_path / ("/".join(reversed(name.split("_of_"))) + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))
        program = tmp_path / "prog.py"
        program.write_text(textwrap.dedent(source))
        assert toy.stdin is not None and toy.stdout is not None
        print(json.dumps([str(program), *argv]), file=toy.stdin, flush=True)
        answer: dict[str, Any] = json.loads(toy.stdout.readline())
        assert answer["status"] is not None, answer["stderr"]
        return Result(**answer)

    return run


@pytest.fixture
def forked(guest: Callable[..., Result]) -> Callable[..., str]:
    """forked(setup, expression) -> what both processes of a fork print for the expression: the child runs first."""

    def run(setup: str, expression: str) -> str:
        source = textwrap.dedent(setup) + textwrap.dedent("""
            import os
            pid = os.fork()
            print("parent" if pid else "child", EXPRESSION, flush=True)
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        """).replace("EXPRESSION", expression)
        result = guest(source)
        assert result.status == 0, result.stderr
        lines = sorted(result.stdout.splitlines())
        child, parent = lines[0].removeprefix("child "), lines[1].removeprefix("parent ")
        assert child == parent, lines
        return child

    return run
