"""match and except*.

Patterns never contain calls, so they are matched natively, one `match` of one case at a time; guards and
bodies stand outside of it, as ordinary statements.
"""

from __future__ import annotations

import ast
from typing import cast

from kos.compiler import tree as t
from kos.compiler.definitions import Definitions
from kos.compiler.tree import native_call


class Matching(Definitions):
    """Lowering of match and except*."""

    def stmt_Match(self, node: ast.Match) -> None:
        n = self.fresh()
        subject, chosen = f"$s{n}", f"$m{n}"
        self.set(subject, self.expr(node.subject))
        self.emit(t.assign(chosen, t.const(0)))
        any_guard = any(self.facts.suspends(case.guard) for case in node.cases)
        if any_guard:
            for number, case in enumerate(node.cases, 1):
                self._try_case(subject, chosen, number, case)
        else:
            self.emit(ast.Match(t.load(subject), [self._case(c, chosen, i) for i, c in enumerate(node.cases, 1)]))
        self.drop([subject])
        for number, case in enumerate(node.cases, 1):
            lo = self.points
            outer = self.begin()
            self._bind_captures(case.pattern)
            for stmt in case.body:
                self.stmt(stmt)
            body = self.end(outer)
            self.at = node
            test = t.compare(t.load(chosen), ast.Eq(), t.const(number))
            self.branch(test, body, [], lo, self.points, self.points)

    def _case(self, case: ast.match_case, chosen: str, number: int) -> ast.match_case:
        guard = None if case.guard is None else self._guard(case)
        body: list[ast.stmt] = [t.assign(chosen, t.const(number))]
        return ast.match_case(self.pattern(case.pattern), guard, body)

    def _guard(self, case: ast.match_case) -> ast.expr:
        """A native guard. In a class body the captured names are still in hidden locals: bind them first."""
        assert case.guard is not None
        guard = self.native(case.guard)
        if self.scope.kind != "class":
            return guard
        puts: list[ast.expr] = []
        for name in _captures(case.pattern):
            if self.in_class(self.scope.mangle(name)):
                puts.append(t.call("$cs", t.load("$ns"), t.const(self.scope.mangle(name)), t.load(f"$capture {name}")))
        return t.item(ast.Tuple([*puts, guard], ast.Load()), len(puts))

    def _try_case(self, subject: str, chosen: str, number: int, case: ast.match_case) -> None:
        """One case of a match in which some guard suspends."""
        self.at = case.pattern
        lo, outer = self.points, self.begin()
        only = ast.match_case(self.pattern(case.pattern), None, [t.assign(chosen, t.const(number))])
        self.emit(ast.Match(t.load(subject), [only]))
        if case.guard is not None:
            inner_lo, inner = self.points, self.begin()
            self._bind_captures(case.pattern)
            test = self.truth(case.guard)
            refuse: list[ast.stmt] = [t.assign(chosen, t.const(0))]
            self.branch(t.negate(test), refuse, [], self.points, self.points, self.points)
            body = self.end(inner)
            matched = t.compare(t.load(chosen), ast.Eq(), t.const(number))
            self.branch(matched, body, [], inner_lo, self.points, self.points)
        body = self.end(outer)
        unmatched = t.compare(t.load(chosen), ast.Eq(), t.const(0))
        self.branch(unmatched, body, [], lo, self.points, self.points)

    # -- patterns -----------------------------------------------------------------------------------------------

    def _capture(self, name: str | None) -> str | None:
        if name is None:
            return None
        mangled = self.scope.mangle(name)
        return f"$capture {name}" if self.in_class(mangled) else mangled

    def pattern(self, node: ast.pattern) -> ast.pattern:
        """A pattern with its captures as this scope binds them."""
        made = cast(ast.pattern, self.pure(node))
        for part in ast.walk(made):
            if isinstance(part, (ast.MatchAs, ast.MatchStar)):
                part.name = self._capture(part.name)
            elif isinstance(part, ast.MatchMapping):
                part.rest = self._capture(part.rest)
        return made

    def _bind_captures(self, pattern: ast.pattern) -> None:
        for name in _captures(pattern):
            mangled = self.scope.mangle(name)
            if self.in_class(mangled):
                hidden = t.load(f"$capture {name}")
                self.emit(ast.Assign([ast.Subscript(t.load("$ns"), t.const(mangled), ast.Store())], hidden))

    # -- except* ------------------------------------------------------------------------------------------------

    def stmt_TryStar(self, node: ast.AST) -> None:
        """PEP 654's translation: split the group by each handler's type, gather what handlers raise."""
        body: list[ast.stmt] = node.body  # type: ignore[attr-defined]  # these nodes have it
        handlers: list[ast.ExceptHandler] = node.handlers  # type: ignore[attr-defined]  # these nodes have it
        orelse: list[ast.stmt] = node.orelse  # type: ignore[attr-defined]  # these nodes have it
        finalbody: list[ast.stmt] = node.finalbody  # type: ignore[attr-defined]  # these nodes have it
        n = self.fresh()
        caught, state, part, raised = f"$q{n}", f"$z{n}", f"$y{n}", f"$o{n}"
        chain: list[ast.stmt] = [t.assign(state, native_call("$star", t.load(caught)))]
        for handler in handlers:
            assert handler.type is not None
            split = native_call(ast.Attribute(t.load(state), "split", ast.Load()), handler.type)
            chain.append(t.place(t.assign(part, split), handler))
            inside = handler.body
            if handler.name is not None:
                name = handler.name
                unbind: list[ast.stmt] = [
                    ast.Assign([t.store(name)], t.const(None)),
                    ast.Delete([ast.Name(name, ast.Del())]),
                ]
                inside = [ast.Assign([t.store(name)], t.load(part)), ast.Try(inside, [], [], unbind)]
            gather = ast.ExceptHandler(
                t.load("$BE"),
                raised,
                [ast.Expr(native_call(ast.Attribute(t.load(state), "gather", ast.Load()), t.load(raised)))],
            )
            # The part is raised so that the handler's body runs in its context; that leaves no trace on it.
            held = f"$f{self.fresh()}"
            inside = [ast.Expr(native_call("$unhold", t.load(held))), *inside]
            entered = ast.ExceptHandler(t.load("$BE"), held, inside)
            enter = ast.Try([ast.Raise(native_call("$hold", t.load(part)))], [entered], [], [])
            guarded = ast.Try([enter], [gather], [], [])
            test = t.compare(t.load(part), ast.IsNot(), t.const(None))
            chain.append(t.place(t.if_(test, [guarded, t.clear([part])]), handler))
        chain.append(t.assign(part, native_call(ast.Attribute(t.load(state), "rest", ast.Load()))))
        chain.append(t.clear([state]))
        again = t.compare(t.load(part), ast.IsNot(), t.const(None))
        # What is left is raised as it is: `raise` alone adds neither an entry to its traceback nor a context.
        held = f"$f{self.fresh()}"
        unhold = ast.ExceptHandler(t.load("$BE"), held, [ast.Expr(native_call("$unhold", t.load(held))), ast.Raise()])
        leave = ast.Try([ast.Raise(native_call("$hold", t.load(part)))], [unhold], [], [])
        chain.append(t.if_(again, [leave]))
        catch = ast.ExceptHandler(t.load("$BE"), caught, chain)
        self.stmt(t.place(ast.Try(body, [catch], orelse, finalbody), node))


def _captures(pattern: ast.pattern) -> list[str]:
    found: list[str] = []
    for part in ast.walk(pattern):
        match part:
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                found.append(name)
    return found
