"""What all parts of the lowering share: blocks, points, suspensions, and operands kept in temporaries.

A function is lowered twice, with the same numbering. The *fast* form has no guards. In the *resume* form, `$j` holds
the point to land on, 0 in normal running; every statement stands under a guard that skips it while the
landing is elsewhere. A suspension is a statement of its own:

    $r = $w(f)(args)                    the call: a result, or the generator of a guest's body
    if $type($r) is $G: $pt = 7; $r = yield from $r

Operands that were evaluated before it are in temporaries `$t0`, `$t1`, ...; what needs no suspension stays native.
An expression is lowered to a *residual*: a native expression that must be evaluated before anything else is emitted.
Temporaries are cleared as soon as they were used, for an object's end may be visible to the guest.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from kos.compiler import tree as t
from kos.compiler.facts import Facts
from kos.compiler.scope import Scope


@dataclass(eq=False)
class Item:
    """Statements of a block that belong together, and the points in them: lo..hi-1."""

    stmts: list[ast.stmt]
    lo: int
    hi: int


@dataclass(eq=False)
class Final:
    """A `finally` with suspensions that encloses what is being lowered; kinds: how it can be left for."""

    number: int
    kinds: set[int] = field(default_factory=set)


@dataclass(eq=False)
class Loop:
    """A loop that encloses what is being lowered.

    iterator: the hidden local that a `for` has for it. bound: names that it binds, once they were asked for. flags,
    range_flag: hidden locals that `stores` sets before it.
    """

    node: ast.For | ast.While
    iterator: str = ""
    bound: set[str] | None = None
    flags: dict[str, str] = field(default_factory=dict)
    range_flag: str = ""


#: Values of a Final's `$k`: how its body was left.
NORMAL, RAISED, RETURNED, BROKE, CONTINUED = range(5)


class Core:
    """State of the lowering of one function in one form."""

    def __init__(self, scope: Scope, scopes: dict[ast.AST, Scope], facts: Facts, unit_id: str, resume: bool) -> None:
        self.scope, self.scopes, self.facts, self.unit_id, self.resume = scope, scopes, facts, unit_id, resume
        self.block: list[Item] = []
        self.points = 1
        self.serial = 0
        self.temps = 0
        self.control: list[Final | Loop] = []
        self.at: ast.AST = scope.node
        self.string_annotations = False
        self.displays = False

    # -- blocks -------------------------------------------------------------------------------------------------

    def emit(self, *stmts: ast.stmt, lo: int | None = None) -> None:
        """Add statements to the block; lo: the number of points before what they contain was lowered."""
        for stmt in stmts:
            t.place(stmt, self.at)
        self.block.append(Item(list(stmts), self.points if lo is None else lo, self.points))

    def begin(self) -> list[Item]:
        """Open an inner block; give the result to `end`."""
        outer, self.block = self.block, []
        return outer

    def end(self, outer: list[Item]) -> list[ast.stmt]:
        """Close the inner block: its statements, guarded in the resume form."""
        items, self.block = self.block, outer
        return self.seal(items)

    def seal(self, items: list[Item]) -> list[ast.stmt]:
        """The statements of a block, each under its guard in the resume form."""
        out: list[ast.stmt] = []
        if not self.resume:
            for item in items:
                out += item.stmts
            return out
        quiet: list[ast.stmt] = []

        def flush() -> None:
            if quiet:
                out.append(t.place(t.if_(t.negate(t.load("$j")), list(quiet)), quiet[0]))
                quiet.clear()

        for item in items:
            if item.lo == item.hi:
                quiet.extend(item.stmts)
            else:
                flush()
                test = t.either(t.negate(t.load("$j")), t.within(item.lo, item.hi))
                out.append(t.place(t.if_(test, item.stmts), item.stmts[0]))
        flush()
        return out

    def fresh(self) -> int:
        """A number for a statement's hidden locals."""
        self.serial += 1
        return self.serial

    # -- suspensions --------------------------------------------------------------------------------------------

    def point(self) -> int:
        """The next point."""
        self.points += 1
        return self.points - 1

    def _take_child(self) -> list[ast.stmt]:
        """Landing: stop skipping, and take the rebuilt callee for the result of the call."""
        return [t.assign("$j", t.const(0)), t.assign("$r", t.load("$child")), t.assign("$child", t.const(None))]

    def suspend(self, start: ast.expr) -> ast.Name:
        """Emit a call that may suspend; its result is the residual `$r`."""
        k = self.point()
        used = [name for name in t.hidden_names(start) if name != "$r"]
        if isinstance(start, ast.Call) and any(isinstance(n, ast.Name) and n.id == "$f" for n in ast.walk(start.func)):
            used.append("$f")
        first: list[ast.stmt] = [t.assign("$r", start)]
        if used:
            first.append(t.clear(used))
        is_body = t.is_(t.call("$type", t.load("$r")), t.load("$G"))
        go = t.if_(is_body, [t.assign("$pt", t.const(k)), t.assign("$r", ast.YieldFrom(t.load("$r")))])
        if self.resume:
            first = [t.if_(t.load("$j"), self._take_child(), first)]
        self.emit(*first, go, lo=k)
        return t.load("$r")

    def safepoint(self, items: list[Item] | None = None) -> None:
        """Emit a look at the pending word."""
        k = self.point()
        stop: list[ast.stmt] = [t.assign("$pt", t.const(k)), ast.Expr(ast.YieldFrom(t.call("$sp")))]
        check: ast.stmt = t.if_(t.load("$p"), stop)
        if self.resume:
            land = [*self._take_child(), t.assign("$pt", t.const(k)), ast.Expr(ast.YieldFrom(t.load("$r")))]
            check = t.if_(t.load("$j"), [*land, t.clear(["$r"])], [check])
        self.emit(check, lo=k)

    def user_yield(self, value: ast.expr) -> ast.Name:
        """Emit a generator's own yield; what is sent is the residual `$r`."""
        hidden = t.hidden_names(value)
        if hidden:
            self.emit(t.assign("$r", value))
            self.drop([name for name in hidden if name != "$r"])
            moved = ast.Tuple([t.load("$r"), ast.NamedExpr(t.store("$r"), t.const(None))], ast.Load())
            value = t.item(moved, 0)  # the generator itself keeps nothing of what it yields
        k = self.point()
        here = t.assign("$pt", t.const(k))
        go = t.assign("$r", ast.Yield(ast.Tuple([value], ast.Load())))
        if self.resume:
            land = [t.assign("$j", t.const(0)), here, t.assign("$r", ast.Yield(t.load("$LANDED")))]
            self.emit(t.if_(t.load("$j"), land, [t.assign("$pt", t.const(k)), go]), lo=k)
        else:
            self.emit(here, go, lo=k)
        thrown = ast.Raise(t.call(ast.Attribute(t.load("$r"), "take", ast.Load())))
        self.emit(t.if_(t.is_(t.call("$type", t.load("$r")), t.load("$Thrown")), [thrown]))
        return t.load("$r")

    # -- operands -----------------------------------------------------------------------------------------------

    def temp(self) -> str:
        """A new temporary of the statement."""
        self.temps += 1
        return f"$t{self.temps - 1}"

    def drop(self, names: list[str]) -> None:
        """Let go of temporaries that were used."""
        if names:
            self.emit(t.clear(names))

    def set(self, name: str, value: ast.expr) -> None:
        """Evaluate a residual into a hidden local."""
        self.emit(t.assign(name, value))
        self.drop([n for n in t.hidden_names(value) if n != name])

    def hold(self, residual: ast.expr) -> ast.expr:
        """Evaluate a residual now, to be used after later suspensions."""
        if isinstance(residual, ast.Constant) or (isinstance(residual, ast.Name) and residual.id.startswith("$t")):
            return residual
        name = self.temp()
        if isinstance(residual, ast.Starred):
            self.set(name, ast.List([residual], ast.Load()))
            return ast.Starred(t.load(name), ast.Load())
        if isinstance(residual, ast.Slice):
            parts = (residual.lower, residual.upper, residual.step)
            residual = t.call("$slice", *[p or t.const(None) for p in parts])
        self.set(name, residual)
        return t.load(name)

    def run(self, residual: ast.expr) -> None:
        """Evaluate a residual for its effect alone."""
        names = t.hidden_names(residual)
        if names and not isinstance(residual, ast.Name):
            self.set(names[0], residual)  # its operands are let go before it is
            names = names[:1]
        elif not names and not isinstance(residual, ast.Constant):
            self.emit(ast.Expr(residual))
        self.drop(names)

    def branch(
        self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], lo: int, middle: int, hi: int
    ) -> None:
        """Emit an `if`; the points of body are lo..middle-1, those of orelse middle..hi-1."""
        names = t.hidden_names(test)
        if names:
            drop: list[ast.stmt] = [t.clear(names)]
            if self.resume:
                drop = [t.if_(t.negate(t.load("$j")), drop)]
            body, orelse = [*drop, *body], [*map(_copy, drop), *orelse]
        if self.resume and lo < hi:
            land = t.within(lo, middle) if lo < middle else t.const(False)
            test = ast.IfExp(t.load("$j"), land, test)
        self.emit(t.if_(test, body, orelse), lo=lo)


def _copy(stmt: ast.stmt) -> ast.stmt:
    import copy

    return copy.deepcopy(stmt)
