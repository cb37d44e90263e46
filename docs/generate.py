"""Writes docs/reference/ from the code: `python docs/generate.py`, or `--check` to see whether it is up to date."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
HEAD = "<!-- Written by docs/generate.py from {source}: change that, then run it. -->\n\n"

Function = ast.FunctionDef | ast.AsyncFunctionDef


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
    """docs/reference/guest-api.md: kos.guest, and the modules that are emulated."""
    tree = ast.parse((ROOT / "kos/guest.py").read_text())
    functions = [n for n in tree.body if isinstance(n, Function) and not n.name.startswith("_")]
    constants = sorted(_constants(tree))
    modules = sorted(
        p.stem.rstrip("_") for p in (ROOT / "kos/stdlib").glob("*.py") if not p.stem.startswith("_") and p.stem != "rtl"
    )
    parts = [
        HEAD.format(source="kos/guest.py and kos/stdlib/"),
        "# What a guest program may use\n\n",
        "A guest is an ordinary Python file; the host's own CPython on Linux is the oracle for what it prints and\n",
        "how it exits. `kos diff PROGRAM` compares the two.\n\n",
        "## Emulated modules\n\n",
        "Names, arguments, results and exceptions are CPython's own:\n",
        ", ".join(f"`{name}`" for name in modules) + ".\n\n",
        "Modules that only compute (`math`, `json`, `collections`, ...) run unchanged; any other import is an\n",
        "`ImportError` that says so.\n\n",
        "## `kos.guest`\n\n",
        "What the standard library has no name for. Semantics are those of the Linux manual page of the same name,\n",
        "of FreeBSD's for `minherit` and `rfork`. Also works in a plain script, on the host's memory.\n\n",
    ]
    for node in functions:
        parts.append(f"### `{_signature(node)}`\n\n{ast.get_docstring(node) or ''}\n\n")
    if constants:
        parts.append("### Constants\n\n" + ", ".join(f"`{name}`" for name in constants) + "\n")
    return "".join(parts).rstrip("\n") + "\n"


def _signature(node: Function) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(node.args)}){returns}"


def _constants(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            for name in ast.walk(target):
                if isinstance(name, ast.Name) and name.id.isupper() and not name.id.startswith("_"):
                    names.add(name.id)
    return names


PAGES = {"reference/events.md": events, "reference/guest-api.md": guest_api}


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
