"""What a caller of kos.Machine hands over: guests, arguments, input, environment. Looked at before a machine sees it.

Whatever cannot be meant is a UsageError that says what was found and what was expected.
"""

from __future__ import annotations

import inspect
import io
import os
import textwrap
import tokenize
from collections.abc import Mapping, Sequence
from types import FunctionType

from kos.errors import UsageError

LITERALS = "numbers, texts, bytes, True, False, None, and lists, tuples, sets and dicts of them"


def words_of(args: Sequence[object]) -> list[str]:
    """The arguments of a program, as texts."""
    return [_word(f"args[{n}]", arg) for n, arg in enumerate(_sequence(args))]


def _sequence(args: object) -> Sequence[object]:
    if isinstance(args, str | bytes | Mapping) or not isinstance(args, Sequence):
        raise UsageError(f"args={args!r}: found a {type(args).__name__}, expected a list")
    return args


def _word(name: str, value: object) -> str:
    text = os.fsdecode(value) if isinstance(value, str | bytes | os.PathLike) else str(value)
    if "\0" in text:
        raise UsageError(f"{name} {text!r}: found a null character, and no program can be given one")
    return text


def environment_of(environ: Mapping[str, str] | None) -> dict[str, str]:
    """The guest's environment; None: a copy of ours."""
    if environ is None:
        return dict(os.environ)
    if not isinstance(environ, Mapping):
        raise UsageError(f"environ={environ!r}: found a {type(environ).__name__}, expected a dict")
    for name, value in environ.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise UsageError(f"environ: found {name!r}: {value!r}, expected texts")
        if not name or "=" in name or "\0" in name + value:
            raise UsageError(f"environ: found {name!r}: {value!r}, expected a name without '=', and no null character")
    return dict(environ)


def input_of(stdin: str | bytes | bytearray | memoryview | None) -> bytes:
    """What the guest reads from its standard input."""
    if stdin is None:
        return b""
    if isinstance(stdin, str):
        return os.fsencode(stdin)
    if isinstance(stdin, bytes | bytearray | memoryview):
        return bytes(stdin)
    raise UsageError(f"stdin={stdin!r}: found a {type(stdin).__name__}, expected a str or bytes")


def current_folder() -> str:
    """Where the guest begins: where its caller is now, as any child process."""
    try:
        return os.getcwd()
    except OSError as e:
        raise UsageError(f"the current folder is gone, change to one that exists: {e.strerror}") from None


def encoded(source: str) -> bytes:
    """Source text as a file that Python reads as this text: in the encoding that its own first lines name."""
    try:
        data = source.encode()
        try:
            name, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except SyntaxError:
            return data  # an encoding that nobody knows: told when it is compiled
        return data if name.startswith("utf-8") else source.encode(name)
    except UnicodeEncodeError as e:
        raise UsageError(f"source text: found {source[e.start]!r}, expected text that {e.encoding} can hold") from None


def program_of(function: FunctionType, args: Sequence[object]) -> str:
    """A program that calls the function."""
    name = function.__name__
    if name == "<lambda>":
        raise UsageError("found a lambda, expected a function with a name: its source is what runs")
    if inspect.isgeneratorfunction(function):
        raise UsageError(f"{name}: found a generator function, expected one that runs when it is called")
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise UsageError(f"the source of {name} is not known: give it as text") from None
    if function.__closure__:
        raise UsageError(f"{name}: found variables of an outer function, expected a function that stands alone")
    text = ", ".join(_literal(arg, f"args[{n}]", ()) for n, arg in enumerate(_sequence(args)))
    return (
        f"{source}\n\nif __name__ == '__main__':\n    import sys\n\n"
        f"    _result = {name}({text})\n    sys.exit(_result if type(_result) is int else 0)\n"
    )


def _literal(value: object, name: str, inside: tuple[int, ...]) -> str:
    """An expression whose value is equal. inside: ids of the containers around it."""
    kind = type(value)
    if value is None or kind in (bool, int, str, bytes, bytearray):
        return repr(value)
    if isinstance(value, float) and kind is float:
        return repr(value) if value - value == 0 else f"float({str(value)!r})"
    if isinstance(value, complex) and kind is complex:
        return f"complex({_literal(value.real, name, inside)}, {_literal(value.imag, name, inside)})"
    if id(value) in inside:
        raise UsageError(f"{name}: found {value!r}, which contains itself, expected {LITERALS}")
    inside = (*inside, id(value))
    if isinstance(value, dict) and kind is dict:
        pairs = (f"{_literal(k, name, inside)}: {_literal(v, name, inside)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple | set | frozenset) and kind in (list, tuple, set, frozenset):
        items = "".join(f"{_literal(item, name, inside)}, " for item in value)
        return f"[{items}]" if kind is list else f"({items})" if kind is tuple else f"{kind.__name__}(({items}))"
    raise UsageError(f"{name}: found {value!r}, a {kind.__name__}, expected {LITERALS}")
