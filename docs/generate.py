"""Writes docs/reference/ from the code: `python docs/generate.py`, or `--check` to see whether it is up to date."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
HEAD = "<!-- Written by docs/generate.py from {source}: change that, then run it. -->\n\n"
#: What functions made by ctypes, or by a factory, cannot say themselves.
UNDOCUMENTED = {
    "getcpu": "The CPU that runs the caller now.",
    "gettid": "The caller's task id.",
    **{f"load{bits}": f"A {bits}-bit word: little-endian, unsigned." for bits in (8, 16, 32, 64)},
    **{f"store{bits}": f"Write a {bits}-bit word, little-endian." for bits in (8, 16, 32, 64)},
}


FIELD_TYPES = {"u8", "u16", "u32", "u64", "i32", "i64"}
#: The same for names of kos.api.
SAID = {
    "Array": "`: an array in shared state, as a memoryview; the state's np(name) is the same as numpy.",
    "now_ns": "() -> int` Nanoseconds of the host's monotonic clock.",
    "queued": "(rq: RunQueue)` The tasks on a run queue, the first one first. Stop looking before you change it.",
    "Words": "`: a numpy array of uint64: page-table entries.",
}


def events() -> str:
    """docs/reference/events.md: the vocabulary of the log."""
    tree = ast.parse((ROOT / "kos/trace/events.py").read_text())
    rows = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            name, fields = (ast.literal_eval(arg) for arg in node.value.args[:2])
            rows.append(f"| `{name}` | {', '.join(f'`{field.strip()}`' for field in fields.split(','))} |")
    return (
        HEAD.format(source="kos/trace/events.py")
        + "# Events\n\n"
        + "What `--log FILE` writes: one JSON object a line, in time order, and what `--log-events` chooses from.\n"
        + "Every event has `event`, `ts` (ns since boot on the host's monotonic clock, the same for all CPUs), `cpu`\n"
        + "and `pid` (0: the CPU itself), then its own fields. A field's unit ends its name. Addresses are strings\n"
        + '("0x7f0000001000"): JavaScript and jq lose digits of large numbers.\n\n'
        + "| event | its own fields |\n| --- | --- |\n"
        + "\n".join(rows)
        + "\n"
    )


def guest_api() -> str:
    """docs/reference/guest-api.md: the modules that are emulated, and kos.guest."""
    import kos.guest
    from kos.stdlib import ALIASES, MODULES

    names = [*MODULES, *ALIASES]
    parts = [
        HEAD.format(source="kos/guest.py and kos/stdlib/"),
        "# What a guest program may use\n\n",
        "A guest is an ordinary Python file; the host's own CPython on Linux is the oracle for what it prints and\n",
        "how it exits. `kos diff PROGRAM` compares the two.\n\n",
        "## Emulated modules\n\n",
        "Names, arguments, results and exceptions are CPython's own, as are the constants:\n\n",
        "| module | what kos does itself |\n| --- | --- |\n",
    ]
    for name in sorted(names):
        if name != "kos.guest":
            module = MODULES[ALIASES.get(name, name)]
            found = sorted({n for part in (*module.rtl, *module.native) for n in _exported(part) if not n[0].isupper()})
            parts.append(f"| `{name}` | {' '.join(f'`{n}`' for n in found)} |\n")
    parts += [
        "\nModules that only compute (`math`, `json`, `collections`, ...) run unchanged; any other import is an\n",
        "`ImportError` that says so. Files in the program's folder can be imported and are guest code too.\n\n",
        "## `kos.guest`\n\n",
        "What the standard library has no name for. Semantics are those of the Linux manual page of the same name,\n",
        "of FreeBSD's for `minherit` and `rfork`. Failures raise `OSError`. It works in a plain script too, on the\n",
        "host's own memory.\n\n",
    ]
    constants: list[str] = []
    for name in sorted(kos.guest.__all__):
        value = getattr(kos.guest, name)
        if isinstance(value, int):
            constants.append(f"`{name}`")
        elif isinstance(value, type):
            parts.append(
                f"### `{name}`\n\nA named tuple: {', '.join(f'`{f}`' for f in getattr(value, '_fields', ()))}.\n\n"
            )
        else:
            doc = inspect.getdoc(value) if inspect.isfunction(value) else None
            parts.append(f"### `{name}{_signature(value)}`\n\n{doc or UNDOCUMENTED[name]}\n\n")
    parts.append("### Constants\n\n" + "\n".join(textwrap.wrap(" ".join(constants), 118)) + "\n")
    return "".join(parts)


def _signature(function: Callable[..., object]) -> str:
    if not inspect.isfunction(function):  # made of C: it takes nothing, and what it tells differs by version
        return "()"
    return str(inspect.signature(function)).replace("'", "")


def _exported(part: str) -> list[str]:
    """Names in `__all__` of one part of an emulated module (`part/which`: in `__all_which__`), without running it."""
    file, _, which = part.partition("/")
    wanted = f"__all_{which}__" if which else "__all__"
    for node in ast.parse((ROOT / f"kos/stdlib/{file}.py").read_text()).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == wanted for t in targets):
            assert isinstance(node, ast.Assign)
            return [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return []


def hooks() -> str:
    """docs/reference/hooks.md: what a plugin can replace, watch or add, and the interfaces behind it."""
    spec = ast.parse((ROOT / "kos/hooks/spec.py").read_text())
    policies = ast.parse((ROOT / "kos/hooks/policies.py").read_text())
    parts = [HEAD.format(source="kos/hooks/spec.py and kos/hooks/policies.py"), "# Hooks\n\n"]
    parts.append(f"```text\n{ast.get_docstring(spec)}\n```\n\n")
    for node in spec.body:
        if isinstance(node, ast.FunctionDef):
            parts.append(f"## `{node.name}{_arguments(node)}`\n\n{ast.get_docstring(node)}\n\n")
    parts.append("# Interfaces\n\n")
    for kind in policies.body:
        if isinstance(kind, ast.ClassDef):
            parts.append(f"## `{kind.name}`\n\n{ast.get_docstring(kind)}\n\n")
            for node in kind.body:
                if isinstance(node, ast.FunctionDef):
                    parts.append(
                        f"- `{node.name}{_arguments(node)}` {' '.join((ast.get_docstring(node) or '').split())}\n"
                    )
            parts.append("\n")
    return "".join(parts) + _door()


def _door() -> str:
    """What `kos.api` has beside the hooks and interfaces: the functions, structures and constants for plugins."""
    import kos.api
    from kos.hooks import policies

    functions, classes, constants = [], [], []
    for name in sorted(sorted(set(kos.api.__all__) - FIELD_TYPES), key=str.lower):
        thing = getattr(kos.api, name)
        if name in SAID:
            functions.append(f"- `{name}{SAID[name]}\n")
            continue
        if hasattr(policies, name) and getattr(policies, name) is thing and thing.__module__ == policies.__name__:
            continue
        if isinstance(thing, type):
            classes.append(_class(name, thing))
        elif callable(thing):
            functions.append(f"- `{name}{_signature(thing)}` {_paragraph(thing)}\n")
        elif isinstance(thing, int):
            constants.append(f"`{name}` = {thing:#x}" if thing > 64 else f"`{name}` = {thing}")
        elif type(thing).__module__.startswith("kos."):
            functions.append(f"- `{name}`: the one {type(thing).__name__}. {_paragraph(type(thing))}\n")
    return (
        "# What `kos.api` gives\n\nBeside the interfaces above, and field types (`u8` to `u64`, `i32`, `i64`) for "
        "shared state.\n\n## Functions and tables\n\n"
        + "".join(functions)
        + "\n## Classes\n\n"
        + "".join(classes)
        + "\n## Constants\n\n"
        + "\n".join(textwrap.wrap(", ".join(constants) + ".", 118))
        + "\n"
    )


def _class(name: str, kind: type) -> str:
    fields = [field[0] for field in getattr(kind, "_fields_", ())] or list(vars(kind).get("__slots__", ()))
    fields = fields or list(getattr(kind, "__dataclass_fields__", ())) or list(getattr(kind, "__members__", ()))
    fields += [attribute for attribute, value in vars(kind).items() if isinstance(value, property)]
    shown = [f"`{field}`" for field in fields if not field.startswith(("_", "line", "pad"))]
    lines = [f"- `{name}`: {_paragraph(kind)}" + (f" Fields: {', '.join(shown)}." if shown else "")]
    for attribute, value in vars(kind).items():
        if not attribute.startswith("_") and inspect.isfunction(value) and value.__doc__:
            parameters = list(inspect.signature(value).parameters.values())[1:]
            signature = str(inspect.signature(value).replace(parameters=parameters)).replace("'", "")
            lines.append(f"    - `{attribute}{signature}` {_paragraph(value)}")
    return "\n".join(lines) + "\n"


def _paragraph(thing: object) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def _arguments(node: ast.FunctionDef) -> str:
    """`(old: Mm, new: Mm) -> None`, without self."""
    arguments = [f"{a.arg}: {ast.unparse(a.annotation)}" for a in node.args.args if a.annotation is not None]
    return f"({', '.join(arguments)}) -> {ast.unparse(node.returns) if node.returns else 'None'}"


PAGES = {"reference/events.md": events, "reference/guest-api.md": guest_api, "reference/hooks.md": hooks}


def main(check: bool) -> int:
    """Write the pages; with check, only name those that are out of date (exit status 1)."""
    stale = []
    for name, make in PAGES.items():
        path = DOCS / name
        text = make()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    for name in stale:
        print(f"docs/{name} {'is out of date: run python docs/generate.py' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
