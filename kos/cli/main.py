"""The `kos` command: finds the verb, turns errors into one line and an exit status.

Exit status of `kos run`: the guest's own (128+N for a signal N), 70 when the machine failed (panic, audit,
plugin), 2 for wrong usage, 130 after Ctrl-C. Verbs are imported when they are used: `kos --help` is to start
fast, so nothing here may import numpy, structlog or psutil.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from kos.cli.values import did_you_mean
from kos.errors import HostError, MachineFailed, UsageError

if TYPE_CHECKING:
    from kos.hooks.tables import Command

VERBS = {
    "run": "run a program on the machine",
    "guests": "list the guest programs that ship with kos",
    "diff": "run a program under the host's Python and under kos, and compare",
    "fuzz": "run random programs and compare with a model",
    "inspect": "look into a running machine",
    "plugins": "list the plugins: what is active, and what else there is",
    "bench": "measure kos beside the host",
}
EX_USAGE, EX_SOFTWARE, EX_INTERRUPTED = 2, 70, 130


class Parser(argparse.ArgumentParser):
    """argparse, but wrong usage is one line: `kos run: message`, exit status 2."""

    def print_help(self, file: Any = None) -> None:
        """argparse's own says nothing where the help cannot be written."""
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> NoReturn:
        self.exit(EX_USAGE, f"{self.prog}: {message} (see `{self.prog} --help`)\n")


def version() -> str:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as find

    try:
        return find("kos")
    except PackageNotFoundError:
        return "unknown: not installed"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    verb = "kos"
    _open_standard_streams()
    try:
        if not words or words[0] in ("-h", "--help"):
            print(_help(), flush=True)
            return 0 if words else EX_USAGE
        if words[0] in ("-V", "--version"):
            print(f"kos {version()}", flush=True)
            return 0
        plugins = []
        while words and words[0].startswith("-p"):
            word = words.pop(0)[2:]
            plugins.append(word or (words.pop(0) if words else ""))
        if not words:
            raise UsageError("-p: which plugin, and which of its commands?")
        name = words.pop(0)
        if name not in VERBS:
            command = _plugin_command(name, plugins)
            if command is not None:
                verb = f"kos {name}"
                return _flushed(command, words)
            kind = "option" if name.startswith("-") else "command"
            hint = did_you_mean(name, [*VERBS, "--help", "--version"]) or " (`kos --help` lists what there is)"
            raise UsageError(f"no {kind} {name!r}{hint}")
        verb = f"kos {name}"
        words = [option for plugin in plugins for option in ("-p", plugin)] + words
        return _flushed(import_module(f"kos.cli.{name}").main, words)
    except (UsageError, HostError) as e:
        print(f"{verb}: {e}", file=sys.stderr)
        return EX_USAGE
    except MachineFailed as e:
        print(f"{verb}: {e}", file=sys.stderr)
        return EX_SOFTWARE
    except KeyboardInterrupt:
        return EX_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone: say nothing more, as `cat` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + 13
    except MemoryError:
        print(f"{verb}: the host has no memory left (a limit of `ulimit -v` or `-d`?)", file=sys.stderr)
        return EX_SOFTWARE
    except OSError as e:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a full disk: Python would try once more at its end
        print(f"{verb}: {e}", file=sys.stderr)
        return EX_SOFTWARE


def _flushed(command: Callable[[list[str]], int], words: list[str]) -> int:
    """Run a command; what it has printed is out, or has failed, before it ends. (A parser ends `--help` itself.)"""
    try:
        return int(command(words))
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


def _open_standard_streams() -> None:
    """Descriptors 0 to 2 that came closed (`kos run ... >&-`) are /dev/null, before they become something else."""
    fd = os.open(os.devnull, os.O_RDWR)
    while fd <= 2:
        fd = os.dup(fd)
    os.close(fd)


def _plugin_command(name: str, plugins: list[str]) -> Command | None:
    """The command that a plugin adds under this name; plugins: those named before it."""
    from kos.plugin.commands import find_command

    return find_command(name, plugins, VERBS)


def _help() -> str:
    verbs = "\n".join(f"  {name:<10}{text}" for name, text in VERBS.items())
    return (
        "usage: kos COMMAND ...\n\n"
        "An emulator of a small SMP Unix whose subject is memory.\n\n"
        f"commands:\n{verbs}\n\n"
        "`kos COMMAND --help` tells the rest; `kos --version`. Start with: kos run cow_fork --cpus 4"
    )


if __name__ == "__main__":
    sys.exit(main())
