"""Which words of a command line are kos's own, which the program's name, and which the program's arguments.

`kos run cow_fork --cpus 4` and `kos run --cpus 4 prog.py one --two` are both what people type. So: options of
kos may stand before the program's name and directly after it; from the first word that is no option on, or
after `--`, everything is the program's. argparse's own REMAINDER would give the program every word after its
name, and parse_known_args would take the program's options away from it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from kos.cli.main import Parser
from kos.cli.values import did_you_mean


class ProgramParser(Parser):
    """A parser of options around a program's name and its arguments."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            usage=f"{prog} [options] PROGRAM [options] [--] [ARGUMENT ...]",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            epilog="PROGRAM is the name of a guest that ships with kos (`kos guests`) or the path of a Python file.\n"
            "Words after the first ARGUMENT, or after `--`, are the program's.",
        )
        self._takes_value: dict[str, bool] = {"-h": False, "--help": False}
        self.wanted = "which program?"  #: what is asked for when it is missing

    def option(self, *names: str, **how: object) -> None:
        """add_argument() for an option; remembered, so that split() knows which word is its value."""
        for name in names:
            self._takes_value[name] = how.get("action") not in ("store_true", "count")
        self.add_argument(*names, **how)  # type: ignore[arg-type]  # passed through as given

    def known_options(self) -> set[str]:
        """Every option that there is so far."""
        return set(self._takes_value)

    def parse_program(self, words: Sequence[str]) -> tuple[argparse.Namespace, str, list[str]]:
        """(options, program, its arguments); wrong usage ends the process with one line."""
        own, program, arguments = self._split(list(words))
        options = self.parse_args(own)
        if program is None:
            self.error(self.wanted)
        return options, program, arguments

    def _split(self, words: list[str]) -> tuple[list[str], str | None, list[str]]:
        own: list[str] = []
        program: str | None = None
        while words:
            word = words.pop(0)
            if word == "--":
                if program is None and words:
                    program = words.pop(0)
                return own, program, words
            if word.startswith("-") and len(word) > 1:
                own.append(word)
                if self._wants_next(word) and words:
                    own.append(words.pop(0))
            elif program is None:
                program = word
            else:
                return own, program, [word, *words]
        return own, program, []

    def _wants_next(self, word: str) -> bool:
        """Is the next word this option's value? An unknown option ends the process here."""
        name, equals, _ = word.partition("=")
        if name in self._takes_value:
            return self._takes_value[name] and not equals
        short = word[:2]
        if not word.startswith("--") and self._takes_value.get(short):
            return False  # -pNAME
        hint = did_you_mean(name, self._takes_value) or "; the program's own options go after `--`"
        self.error(f"no option {name!r}{hint}")
