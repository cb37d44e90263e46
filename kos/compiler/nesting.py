"""How many exception handlers a lowered body nests: more than 20 in one generator crash two versions of Python.

CPython 3.12 gave every generator a handler of its own, and its compiler one place too few for it: a body whose own
blocks reach the limit of 20 writes past the end of an array (CPython's issue 113297, solved in 3.12.2).
"""

from __future__ import annotations

import ast
import sys

_CRASHES = sys.version_info[:3] in ((3, 12, 0), (3, 12, 1))
_LIMIT = 20


def too_deep(body: list[ast.stmt]) -> bool:
    """Whether this Python would crash on the body of a generator."""
    if not _CRASHES or _deepest(body) <= _LIMIT:
        return False
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for stmt in body for node in ast.walk(stmt))


def _depth(node: ast.AST) -> int:
    """The most handlers that stand around any instruction of the node."""
    if isinstance(node, (ast.FunctionDef, ast.Lambda, ast.GeneratorExp)):
        return 0  # another function
    if isinstance(node, ast.With):
        return len(node.items) + _deepest(node.body)
    if isinstance(node, (ast.Try, ast.TryStar)):
        guarded = max(1 + _deepest(node.body), _deepest(node.orelse))
        for handler in node.handlers:
            inside = 3 if isinstance(node, ast.TryStar) else 2 if handler.name else 1
            guarded = max(guarded, inside + _deepest(handler.body))
        return max(1 + guarded, 1 + _deepest(node.finalbody)) if node.finalbody else guarded
    return max(map(_depth, ast.iter_child_nodes(node)), default=0)


def _deepest(body: list[ast.stmt]) -> int:
    return max(map(_depth, body), default=0)
