"""Wrong input: one clear line on stderr, exit status 2, nothing left behind, nothing on stdout."""

import pytest

WRONG = {
    "unknown program": (["run", "no_such_program"], "no_such_program"),
    "program with a typing error": (["run", "cow_frok"], "did you mean 'cow_fork'?"),
    "unknown path": (["run", "./nowhere.py"], "./nowhere.py"),
    "a directory": (["run", "."], "directory"),
    "no program": (["run"], "which program?"),
    "unknown command": (["runn"], "did you mean 'run'?"),
    "unknown option before the program": (["run", "--frobnicate", "hello"], "--frobnicate"),
    "unknown option after the program": (["run", "hello", "--cpuz", "4"], "did you mean '--cpus'?"),
    "option without its value": (["run", "hello", "--cpus"], "--cpus"),
    "no CPUs": (["run", "--cpus", "0", "hello"], "1 to 64"),
    "too many CPUs": (["run", "--cpus", "65", "hello"], "1 to 64"),
    "negative CPUs": (["run", "--cpus", "-3", "hello"], "1 to 64"),
    "CPUs that are no number": (["run", "--cpus", "two", "hello"], "two"),
    "too little memory": (["run", "--memory", "1M", "hello"], "4 MiB to 64 GiB"),
    "too much memory": (["run", "--memory", "1000G", "hello"], "4 MiB to 64 GiB"),
    "memory that is no size": (["run", "--memory", "lots", "hello"], "lots"),
    "a TLB that is none": (["run", "--tlb", "many", "hello"], "ENTRIESxWAYS"),
    "a TLB that does not divide": (["run", "--tlb", "10x4", "hello"], "10x4"),
    "a summary that is none": (["run", "--summary", "xml", "hello"], "xml"),
    "unknown event": (["run", "--log", "l", "--log-events", "tlb.shotdown", "hello"], "did you mean 'tlb.shootdown'?"),
    "a log that cannot be": (["run", "--log", "/no/such/folder/log", "hello"], "/no/such/folder/log"),
    "a setting without value": (["run", "--set", "overcommit", "hello"], "KEY=VALUE"),
    "no time": (["run", "--timeout", "-1", "hello"], "--timeout"),
    "unknown machine": (["inspect", "no-such-machine"], "no-such-machine"),
    "no runs": (["diff", "-n", "0", "hello"], "-n 0"),
    "no regular file": (["run", "/dev/null"], "'/dev/null' is no regular file"),
    "a log that is a folder": (["run", "--log", ".", "hello"], "--log '.': Is a directory"),
    "a switch that is none": (
        ["run", "--set", "poison=maybe", "hello"],
        "poison=maybe: found 'maybe', expected 0 or 1",
    ),
    "no plugin to compare": (["diff", "-p", "nosuch", "hello"], "no plugin 'nosuch'"),
    "no plugin to search with": (["fuzz", "-p", "nosuch", "1"], "no plugin 'nosuch'"),
    "nowhere to save": (["fuzz", "--save", "/no/such/file", "1"], "cannot write '/no/such/file'"),
    "no seeds": (["fuzz"], "which seeds?"),
    "no plugin to measure": (["bench", "-p", "nosuch", "syscall"], "no plugin 'nosuch'"),
    "no setting to measure": (["bench", "--set", "x=1", "syscall"], "--set x: found no such setting"),
}


@pytest.mark.parametrize(("words", "says"), WRONG.values(), ids=WRONG.keys())
def test_wrong_input_is_one_line_and_status_2(kos, words, says):
    result = kos(*words)

    assert result.status == 2, result
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and says in result.stderr, result.stderr


@pytest.mark.parametrize(
    ("source", "line"),
    [("print('hello'\n", 1), ("x = 1\nasync def f():\n    pass\n", 2), ("a = 1\nb = (\n", 2), ("x = '\0'\n", 1)],
    ids=["syntax error", "async", "open parenthesis", "null byte"],
)
def test_a_program_that_cannot_be_compiled_is_named_with_its_line(kos, source, line):
    prog = kos.program(source)
    result = kos("run", prog)

    assert result.status == 2, result
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and f"prog.py:{line}:" in result.stderr, result.stderr


def test_a_second_machine_of_the_same_name_is_refused(kos):
    """And the first one goes on."""
    prog = kos.program("print('up', flush=True)\ninput()\n")
    import subprocess

    first = kos.start("run", "--cpus", "1", "--name", f"twin-{kos.folder.name}", prog, stdin=subprocess.PIPE)
    first.wait_for("up")
    second = kos("run", "--cpus", "1", "--name", f"twin-{kos.folder.name}", "hello")
    assert first.process.stdin is not None
    first.process.stdin.write(b"\n")
    first.process.stdin.close()

    assert second.status == 2 and "exists already" in second.stderr
    assert first.wait().status == 0
