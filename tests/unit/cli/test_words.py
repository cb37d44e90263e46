"""kos/cli: which words are kos's, what a value means."""

import pytest

from kos.cli.diff import Outcome, first_difference, machine_words
from kos.cli.options import add_machine_options, machine_config
from kos.cli.values import geometry, settings, size
from kos.cli.words import ProgramParser
from kos.errors import UsageError


def parse(line: str):
    parser = ProgramParser("kos run", "")
    add_machine_options(parser)
    return parser.parse_program(line.split())


@pytest.mark.parametrize(
    "line",
    ["--cpus 4 prog a --x", "prog --cpus 4 a --x", "prog --cpus=4 -- a --x", "--cpus 4 -- prog a --x"],
)
def test_options_stand_before_the_program_or_right_after_it(line):
    """Everything from the program's first argument on is the program's."""
    options, program, arguments = parse(line)

    assert (options.cpus, program, arguments) == ("4", "prog", ["a", "--x"])


def test_short_options_may_be_glued_to_their_value():
    options, program, _ = parse("-pfork_eager -p tlb_small prog")

    assert (options.plugins, program) == (["fork_eager", "tlb_small"], "prog")


def test_a_lone_dash_is_an_argument():
    assert parse("prog - -u")[2] == ["-", "-u"]


@pytest.mark.parametrize(
    ("text", "number"), [("64M", 64 << 20), ("16G", 16 << 30), ("8mib", 8 << 20), ("512KB", 512 << 10), ("4096", 4096)]
)
def test_sizes(text, number):
    assert size("--memory", text) == number


@pytest.mark.parametrize("text", ["", "M", "-4M", "4T", "1.5G", "4 M", "٤M", "9" * 30])
def test_what_is_no_size(text):
    with pytest.raises(UsageError, match="not a size"):
        size("--memory", text)


def test_geometries_and_settings():
    assert geometry("--tlb", "16x4") == (16, 4)
    assert settings(["a=1", "b=x=y", "a=2"]) == {"a": "2", "b": "x=y"}


def test_the_options_of_a_machine_survive_the_way_through_a_command_line():
    """`kos diff` passes its options on to `kos run`."""
    line = "--cpus 3 --memory 8M -p one -p two --set a=b --tlb 16x2 --stress-context -u --fail-alloc 5 prog"
    options = parse(line)[0]
    again = parse(" ".join([*machine_words(options), "prog"]))[0]

    assert machine_config(again) == machine_config(options)


def test_the_first_difference_is_shown():
    """The line that differs, from both sides; a signal equals the 128+N that a shell makes of it."""
    assert first_difference(Outcome(0, b"a\nb\n"), Outcome(0, b"a\nb\n")) is None
    assert first_difference(Outcome(-9, b""), Outcome(137, b"")) is None
    found = first_difference(Outcome(0, b"a\nb\n"), Outcome(0, b"a\nc\n", b"why"))
    assert found is not None and "line 2\n  host: 'b'\n  kos:  'c'" in found and "why" in found
    assert "(end of output)" in str(first_difference(Outcome(0, b"a\n"), Outcome(0, b"")))
    assert "killed by signal 11" in str(first_difference(Outcome(-11, b""), Outcome(0, b"")))
