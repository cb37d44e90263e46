"""What a guest may not contain, said with file, line and reason when the program is loaded."""

from __future__ import annotations

import ast

_REASONS: dict[type[ast.AST], str] = {
    ast.AsyncFunctionDef: "async functions",
    ast.AsyncFor: "async for",
    ast.AsyncWith: "async with",
    ast.Await: "await",
}


class Refused(SyntaxError):
    """The program uses something that cannot be made resumable."""


def refuse(node: ast.AST, what: str, filename: str, source: str) -> Refused:
    """The error for one construct, with its place."""
    line, col = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    lines = source.splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return Refused(f"{what}: a kos guest cannot use this", (filename, line, col + 1, text))


def check(tree: ast.AST, filename: str, source: str) -> None:
    """Raise Refused at the first construct that is not a guest's."""
    for node in ast.walk(tree):
        what = _REASONS.get(type(node))
        if what is None and isinstance(node, ast.comprehension) and node.is_async:
            what, node = "async comprehensions", node.target
        if what is not None:
            raise refuse(node, what, filename, source)
