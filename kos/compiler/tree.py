"""Short names for making syntax trees. Hidden names begin with `$`, so that no guest can mean them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TypeVar

N = TypeVar("N", bound=ast.AST)


class Block(ast.expr):
    """An expression that makes a function of statements: what a lambda is for an expression.

    is_parameters: its functions and classes are those of the scope around it, as their qualified names tell.
    """

    _fields = ("name", "args", "body", "is_parameters")
    name: str
    args: ast.arguments
    body: list[ast.stmt]
    is_parameters: bool


def load(name: str) -> ast.Name:
    """A name, read."""
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.Name:
    """A name, written."""
    return ast.Name(name, ast.Store())


def const(value: object) -> ast.Constant:
    """A constant (tuples of constants too: the tree is compiled, never printed)."""
    return ast.Constant(value)  # type: ignore[arg-type]  # any constant


def call(func: str | ast.expr, *args: ast.expr, keywords: list[ast.keyword] | None = None) -> ast.Call:
    """A native call."""
    return ast.Call(load(func) if isinstance(func, str) else func, list(args), keywords or [])


def native_call(func: str | ast.expr, *args: ast.expr) -> ast.Call:
    """A call in a made tree that does not suspend, although its arguments may."""
    made = call(func, *args)
    made.kos_native = True  # type: ignore[attr-defined]  # our own mark
    return made


def assign(name: str, value: ast.expr) -> ast.Assign:
    """`name = value`."""
    return ast.Assign([store(name)], value)


def clear(names: list[str]) -> ast.Assign:
    """Let go of what some hidden locals hold."""
    return ast.Assign([store(n) for n in names], const(None))


def both(*tests: ast.expr) -> ast.expr:
    """`a and b`."""
    return ast.BoolOp(ast.And(), list(tests))


def either(*tests: ast.expr) -> ast.expr:
    """`a or b`."""
    return ast.BoolOp(ast.Or(), list(tests))


def negate(test: ast.expr) -> ast.expr:
    """`not a`."""
    return ast.UnaryOp(ast.Not(), test)


def compare(left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.Compare:
    """One comparison."""
    return ast.Compare(left, [op], [right])


def is_(left: ast.expr, right: ast.expr) -> ast.Compare:
    """`left is right`."""
    return compare(left, ast.Is(), right)


def item(value: ast.expr, index: object) -> ast.Subscript:
    """`value[constant]`."""
    return ast.Subscript(value, const(index), ast.Load())


def within(lo: int, hi: int) -> ast.expr:
    """Whether the point to land on is one of lo..hi-1."""
    if hi - lo == 1:
        return compare(load("$j"), ast.Eq(), const(lo))
    return ast.Compare(const(lo), [ast.LtE(), ast.Lt()], [load("$j"), const(hi)])


def if_(test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt] | None = None) -> ast.If:
    """An `if` statement; an empty body is a pass."""
    return ast.If(test, list(body) or [ast.Pass()], list(orelse or []))


def hidden_names(node: ast.AST) -> list[str]:
    """The operand temporaries and the result register that an expression reads, each once."""
    found: dict[str, None] = {}
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and (part.id == "$r" or part.id.startswith("$t")):
            if part.id != "$type":
                found[part.id] = None
    return list(found)


def place(node: N, at: ast.AST) -> N:
    """Give a made tree the source position of what it was made from, where it has none.

    A statement that was placed once is not entered again: trees are made from the inside out, so each level would
    walk all below it.
    """
    line = getattr(at, "lineno", 1)
    where = {
        "lineno": line,
        "col_offset": getattr(at, "col_offset", 0),
        "end_lineno": getattr(at, "end_lineno", None) or line,
        "end_col_offset": getattr(at, "end_col_offset", None) or getattr(at, "col_offset", 0),
    }
    rest: list[ast.AST] = [node]
    while rest:
        part = rest.pop()
        known = part.__dict__
        if _PLACED in known:
            continue
        for value in known.values():
            if type(value) is list:
                rest += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST):
                rest.append(value)
        if "lineno" in part._attributes and known.get("lineno") is None:
            known.update(where)
        if isinstance(part, ast.stmt):
            known[_PLACED] = True
    return node


_PLACED = "$placed"  #: in a statement's dict: it and all in it have positions
