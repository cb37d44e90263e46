"""What a caller of kos.Machine may hand over, and what it is told about the rest."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kos
from kos.errors import UsageError


@pytest.fixture(scope="module")
def machine() -> Iterator[kos.Machine]:
    """One machine for all of them."""
    with kos.Machine(cpus=1, memory="16M", events=()) as made:
        yield made


def shows(*values: object) -> None:
    print(repr(values))


def counts() -> Iterator[int]:
    yield 1


LOOP: list[object] = []
LOOP.append(LOOP)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), -0.0, 1e300 + 2j, {1}, frozenset(), (), (1,), [b"x"]])
def test_values_arrive_as_they_are(machine: kos.Machine, value: object) -> None:
    assert machine.run(shows, args=[value, {"k": [value]} if value != {1} else None]).stdout.startswith(f"({value!r},")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"guest": shows, "args": [object()]}, r"args\[0\]: found <object .*, a object, expected numbers, texts"),
        ({"guest": shows, "args": [[1, Path("/x")]]}, r"args\[0\]: found PosixPath"),
        ({"guest": shows, "args": [LOOP]}, "which contains itself"),
        ({"guest": shows, "args": 5}, "args=5: found a int, expected a list"),
        ({"guest": counts}, "counts: found a generator function"),
        ({"guest": "hello", "args": "abc"}, "args='abc': found a str, expected a list"),
        ({"guest": "hello", "args": ["a\0b"]}, r"args\[0\] .*: found a null character"),
        ({"guest": "hello", "stdin": 5}, "stdin=5: found a int, expected a str or bytes"),
        ({"guest": "hello", "environ": {"A": 5}}, "environ: found 'A': 5, expected texts"),
        ({"guest": "hello", "environ": {"A=": "x"}}, "expected a name without '='"),
        ({"guest": "hello", "environ": ["A"]}, "found a list, expected a dict"),
        ({"guest": "print('\udc80')\n"}, r"source text: found '\\udc80', expected text that utf-8 can hold"),
        ({"guest": "print(1)"}, "or source text .which has a newline"),
        ({"guest": "/tmp"}, "'/tmp' is a directory"),
    ],
)
def test_what_no_guest_can_be_given_is_told_at_once(machine: kos.Machine, request_: Any, says: str) -> None:
    """And the machine goes on: it has not seen it."""
    with pytest.raises(UsageError, match=says):
        machine.run(**request_)
    assert machine.run("print(1)\n").stdout == "1\n"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cpus": "2"}, "--cpus '2': found a str, expected a whole number"),
        ({"memory": 64.0}, "memory=64.0: not a size"),
        ({"plugins": None}, "plugins=None: found a NoneType, expected a list"),
        ({"settings": "a=b"}, "settings='a=b': found a str, expected a dict"),
        ({"tlb": "64x4"}, "--tlb '64x4': expected .entries, ways., two whole numbers"),
        ({"events": [5]}, "expected a list of names or patterns"),
        ({"timeout": float("nan")}, "--timeout nan: not a time"),
        ({"fail_alloc": -1}, "--fail-alloc -1"),
        ({"name": 5}, "--name 5: found a int"),
        ({"log": "/no/such/folder/log"}, "--log '/no/such/folder/log': No such file"),
        ({"log": "/tmp"}, "--log '/tmp': Is a directory"),
    ],
)
def test_a_machine_that_cannot_be_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        kos.Machine(**settings)


def test_source_text_is_read_as_the_text_it_is(machine: kos.Machine) -> None:
    """Whatever encoding its first line names, as for exec()."""
    assert machine.run("# coding: latin-1\nprint('é')\n").stdout == "é\n"
    assert machine.run("\ufeffprint('é')\r\n").stdout == "é\n"
    assert machine.run("import sys\nprint(sys.stdin.buffer.read())\n", stdin=memoryview(b"\xff")).stdout == "b'\\xff'\n"


def test_a_summary_is_of_its_run_alone(machine: kos.Machine) -> None:
    """A machine that has forked before does not count that again; its shootdowns are counted on."""
    source = "import os\nfor _ in range(20):\n    if os.fork() == 0:\n        os._exit(0)\n    os.wait()\n"
    first = machine.run(source)
    second = machine.run("import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()\n")
    third = machine.run("pass\n")

    assert [r.total("nr_forks") for r in (first, second, third)] == [20, 1, 0]
    fork = second.histograms["fork"]
    assert (fork.n, sum(fork.counts), third.histograms["fork"].max_ns) == (1, 1, 0)
    assert fork.sum_ns == fork.max_ns


def test_a_machine_cannot_be_copied(machine: kos.Machine) -> None:
    """The copy closed the machine under its owner."""
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(machine)
    assert machine.run("print(1)\n").stdout == "1\n"


def test_a_machine_that_has_ended_says_so() -> None:
    """Not that it is closed: nobody has closed it."""

    def kos_event(event: str, fields: dict[str, Any]) -> None:
        if event == "proc.fork":
            raise ValueError("no")

    with kos.Machine(cpus=1, plugins=[kos_event]) as machine:
        assert machine.run("import os\nos.fork()\n").exit_code == 70
        with pytest.raises(UsageError, match="ended by itself in an earlier run"):
            machine.run("hello")
