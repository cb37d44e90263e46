"""What kos_options and kos_commands fill in: a plugin's options with their types, and commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Value = int | float | bool | str
Command = Callable[[Sequence[str]], int]  #: words after the command's name -> exit status


@dataclass(frozen=True)
class Option:
    """One option of one plugin. flag: also an option of the command line, or None. least: smallest number."""

    name: str
    default: Value
    help: str
    choices: tuple[Value, ...] = ()
    least: float | None = None
    flag: str | None = None

    def parse(self, text: str) -> Value:
        """The value that a user wrote; ValueError says what was expected."""
        value = self._convert(text)
        if self.choices and value not in self.choices:
            raise ValueError("one of " + ", ".join(map(str, self.choices)))
        if self.least is not None and isinstance(value, int | float) and value < self.least:
            raise ValueError(f"at least {self.least:g}")
        return value

    def _convert(self, text: str) -> Value:
        if isinstance(self.default, bool):
            word = text.lower()
            if word in ("1", "yes", "on", "true"):
                return True
            if word in ("0", "no", "off", "false"):
                return False
            raise ValueError("yes or no")
        if isinstance(self.default, int):
            try:
                return int(text, 0)
            except ValueError:
                raise ValueError("a whole number") from None
        if isinstance(self.default, float):
            try:
                return float(text)
            except ValueError:
                raise ValueError("a number") from None
        return text


class OptionTable:
    """The options that one plugin declares."""

    def __init__(self) -> None:
        self.declared: dict[str, Option] = {}

    def add(
        self,
        name: str,
        default: Value,
        help: str = "",
        *,
        choices: Sequence[Value] = (),
        least: float | None = None,
        flag: str | None = None,
    ) -> None:
        """Declare an option; its type is the default's (bool, int, float or str). flag: like "--stack-pages"."""
        if not name.isidentifier():
            raise ValueError(f"option {name!r}: not a Python name")
        if name in self.declared:
            raise ValueError(f"option {name!r} declared twice")
        if not isinstance(default, bool | int | float | str):
            raise TypeError(f"option {name!r}: default {default!r}, expected a bool, int, float or str")
        if flag is not None and not (flag.startswith("--") and flag[2:].replace("-", "").isalnum()):
            raise ValueError(f"option {name!r}: flag {flag!r}, expected one like '--stack-pages'")
        self.declared[name] = Option(name, default, help, tuple(choices), least, flag)


class Options(Mapping[str, Any]):
    """The values of one plugin's options: options["pages"], of the type of the default."""

    def __init__(self, values: Mapping[str, Value] | None = None) -> None:
        self._values = dict(values or {})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Options({self._values})"


@dataclass(frozen=True)
class PluginCommand:
    """One command that a plugin adds."""

    name: str
    main: Command
    help: str


class CommandTable:
    """The commands that one plugin adds."""

    def __init__(self) -> None:
        self.commands: dict[str, PluginCommand] = {}

    def add(self, name: str, main: Command, help: str = "") -> None:
        """`kos NAME words...` calls main(words), whose result is the exit status."""
        if not name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"command {name!r}: not a plain word")
        if not callable(main):
            raise TypeError(f"command {name!r}: {main!r} cannot be called")
        self.commands[name] = PluginCommand(name, main, help)
