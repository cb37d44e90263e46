"""try, with: native handlers and `finally`, plus what a frame captured inside them needs to get back in.

A frame that was captured in a handler lands in it again by raising the saved exception anew inside the `try`: so
sys.exc_info, a bare raise and __context__ are what they were. One captured in a `finally` leaves the body
again in the way it was left: by raising, returning, breaking or continuing (`$k` says which).
"""

from __future__ import annotations

import ast
import sys

from kos.compiler import tree as t
from kos.compiler.core import BROKE, CONTINUED, NORMAL, RAISED, RETURNED, Final
from kos.compiler.statements import Statements
from kos.compiler.tree import native_call


class Trying(Statements):
    """Lowering of try and with."""

    def stmt_Try(self, node: ast.Try) -> None:
        if not node.finalbody:
            self._try_except(node)
            return
        body = node.body
        if node.handlers:
            body = [ast.copy_location(ast.Try(node.body, node.handlers, node.orelse, []), node)]
        if self.facts.any_suspends(node.finalbody):
            self._try_finally(node, body)
        else:
            lo = self.points
            made = self.stmts(body)
            final = self.stmts(node.finalbody)
            self.at = node
            if lo < self.points:
                final = [t.if_(t.negate(t.item(t.load("$DT"), 0)), final)]
            self.emit(ast.Try(made or [ast.Pass()], [], [], final or [ast.Pass()]), lo=lo)

    # -- except -------------------------------------------------------------------------------------------------

    def _try_except(self, node: ast.Try) -> None:
        if any(self.facts.suspends(h.type) for h in node.handlers):
            node = self._choose_by_hand(node)
        lo, number = self.points, self.fresh()
        body = self.stmts(node.body)
        self.at = node
        # A StopIteration comes out of guest calls in a Carry: whoever catches the one must catch the other.
        wide = lo < self.points and not self._are_other_errors(node.handlers)
        middle = self.points
        stale = self._hidden_in(body)
        handlers, hidden = self._handlers(node.handlers, number, stale, wide)
        end = self.points
        orelse = self.stmts(node.orelse)
        self.at = node
        if self.resume and middle < end:
            again = ast.Raise(t.call("$hold", t.load(hidden)))
            body = [t.if_(t.within(middle, end), [again]), *body]
        if lo < self.points:
            handlers.insert(0, ast.ExceptHandler(t.item(t.load("$DT"), 0), None, [ast.Raise()]))
        self.emit(ast.Try(body or [ast.Pass()], handlers, orelse, []), lo=lo)

    def _handlers(
        self, nodes: list[ast.ExceptHandler], number: int, stale: list[str], wide: bool
    ) -> tuple[list[ast.ExceptHandler], str]:
        """The handlers, and the hidden local that holds the exception in those that suspend."""
        made: list[ast.ExceptHandler] = []
        spans: list[tuple[int, int]] = []
        hidden = f"$e{number}"
        for node in nodes:
            if node.name and node.name.startswith("$"):
                hidden = node.name
        start = self.points
        for node in nodes:
            lo, outer = self.points, self.begin()
            self.at = node
            self.drop(stale)
            self._bind_and_handle(node, hidden, wide)
            block = self.end(outer)
            spans.append((lo, self.points))
            self.at = node
            needs_name = lo < self.points or node.name is not None
            made.append(t.place(ast.ExceptHandler(None, hidden if needs_name else None, block or [ast.Pass()]), node))
        for node, handler, (lo, hi) in zip(nodes, made, spans, strict=True):
            if node.type is None:
                continue
            kind = self.native(node.type)
            if wide:
                kind = t.call("$wide", kind)
            if self.resume and start < self.points:
                here: ast.expr = t.const(())
                if lo < hi:
                    here = ast.IfExp(t.within(lo, hi), t.load("$BE"), here)
                kind = ast.IfExp(t.load("$j"), here, kind)
            handler.type = t.place(kind, node)
        if self.resume:
            for handler, (lo, hi) in zip(made, spans, strict=True):
                if lo < hi:
                    back = t.if_(t.load("$j"), [ast.Expr(t.call("$unhold", t.load(hidden)))])
                    handler.body.insert(0, t.place(back, handler))
        return made, hidden

    def _bind_and_handle(self, node: ast.ExceptHandler, hidden: str, wide: bool) -> None:
        if node.name is None or node.name.startswith("$"):
            for stmt in node.body:
                self.stmt(stmt)
            return
        target = t.place(t.store(node.name), node)
        caught = native_call("$plain", t.load(hidden)) if wide else t.load(hidden)
        self.stmt(t.place(ast.Assign([target], caught), node))
        unbind: list[ast.stmt] = [
            ast.Assign([t.store(node.name)], t.const(None)),
            ast.Delete([ast.Name(node.name, ast.Del())]),
        ]
        self.stmt(t.place(ast.Try(node.body, [], [], unbind), node))

    def _are_other_errors(self, handlers: list[ast.ExceptHandler]) -> bool:
        """Whether none of the handlers can be for StopIteration, as far as names tell."""
        others = self.facts.natives - {"BaseException", "Exception", "StopIteration"}
        for handler in handlers:
            kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            if not all(isinstance(kind, ast.Name) and kind.id in others for kind in kinds):
                return False
        return True

    def _hidden_in(self, body: list[ast.stmt]) -> list[str]:
        """Hidden locals that the body leaves behind when it is left by an exception."""
        found: dict[str, None] = {}
        for stmt in body:
            for node in ast.walk(stmt):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id[:2] in _STALE:
                    found[node.id] = None
        return list(found)

    def _choose_by_hand(self, node: ast.Try) -> ast.Try:
        """Handlers whose types suspend: one native handler, and `if`s in it."""
        hidden = f"$h{self.fresh()}"
        chain: list[ast.stmt] = [ast.Raise()]
        for handler in reversed(node.handlers):
            body = handler.body
            if handler.name is not None:
                name = handler.name
                unbind: list[ast.stmt] = [
                    ast.Assign([t.store(name)], t.const(None)),
                    ast.Delete([ast.Name(name, ast.Del())]),
                ]
                caught = native_call("$plain", t.load(hidden))
                body = [ast.Assign([t.store(name)], caught), ast.Try(body, [], [], unbind)]
            if handler.type is None:
                chain = body
                continue
            test = native_call("$match", t.load(hidden), handler.type)
            chain = [t.place(ast.If(test, body, chain), handler)]
        catch_all = t.place(ast.ExceptHandler(t.load("$BE"), hidden, chain), node)
        return ast.copy_location(ast.Try(node.body, [catch_all], node.orelse, []), node)

    # -- finally ------------------------------------------------------------------------------------------------

    def _try_finally(self, node: ast.Try, nodes: list[ast.stmt]) -> None:
        lo = self.points
        final = Final(self.fresh())
        kind, exc, value = f"$k{final.number}", f"$x{final.number}", f"$v{final.number}"
        self.control.append(final)
        body = self.stmts(nodes)
        self.control.pop()
        middle = self.points
        last = self.stmts(node.finalbody)
        hi = self.points
        self.at = node
        may_raise = not getattr(node, "kos_with", False)
        if self.resume:
            leave: list[ast.stmt] = []
            if may_raise:
                leave.append(self._if_kind(kind, RAISED, ast.Raise(t.call("$hold", t.load(exc)))))
            again = {RETURNED: ast.Return(t.load(value)), BROKE: ast.Break(), CONTINUED: ast.Continue()}
            leave += [self._if_kind(kind, k, how) for k, how in again.items() if k in final.kinds]
            if leave:
                body = [t.if_(t.within(middle, hi), leave), *body]
        if self.resume and may_raise:
            # The exception looks as it did before it was raised once more.
            restore = t.both(t.load("$j"), t.compare(t.load(kind), ast.Eq(), t.const(RAISED)))
            last = [t.if_(restore, [ast.Expr(t.call("$unhold", t.load(exc)))]), *last]
        names = ([exc] if may_raise else []) + ([value] if RETURNED in final.kinds else [])
        saved = ast.ExceptHandler(
            t.load("$BE"),
            f"$g{final.number}",
            [t.assign(exc, t.load(f"$g{final.number}")), t.assign(kind, t.const(RAISED)), ast.Raise()],
        )
        last = [t.if_(t.negate(t.item(t.load("$DT"), 0)), [*last, *([t.clear(names)] if names else [])])]
        normal: ast.stmt = t.assign(kind, t.const(NORMAL))
        if self.resume:
            normal = t.if_(t.negate(t.load("$j")), [normal])
        if not may_raise:
            self.emit(ast.Try([*body, normal], [], [], last), lo=lo)
            return
        gone = ast.ExceptHandler(t.item(t.load("$DT"), 0), None, [ast.Raise()])
        self.emit(ast.Try(body or [ast.Pass()], [gone, saved], [normal], last), lo=lo)

    def _if_kind(self, name: str, kind: int, how: ast.stmt) -> ast.stmt:
        return t.if_(t.compare(t.load(name), ast.Eq(), t.const(kind)), [how])

    # -- with ---------------------------------------------------------------------------------------------------

    def stmt_With(self, node: ast.With) -> None:
        """PEP 343's own translation, lowered in turn.

        It makes two native blocks an item, no more: CPython nests 20. So the handler, not an inner `try`, takes a
        StopIteration out of its Carry, and the `finally`, which does nothing after an exception, saves none.
        """
        first, rest = node.items[0], node.items[1:]
        body = [t.place(ast.With(rest, node.body), node)] if rest else node.body
        n = self.fresh()
        enter, leave, value, whole, error = (f"${letter}{n}" for letter in ("a", "b", "d", "o", "q"))
        manager = self.expr(first.context_expr)
        # Where a traceback sees __enter__ and __exit__ called from.
        where = self.at = first.context_expr if sys.version_info >= (3, 13) else node
        self.emit(ast.Assign([ast.Tuple([t.store(enter), t.store(leave)], ast.Store())], t.call("$with", manager)))
        self.drop(t.hidden_names(manager))
        self.set(value, self.suspend(t.call(t.call("$w", t.load(enter)))))
        self.emit(t.clear([enter]), t.assign(whole, t.const(True)))
        inside: list[ast.stmt] = []
        if first.optional_vars is not None:
            inside.append(ast.Assign([first.optional_vars], t.load(value)))
        inside.append(ast.Assign([t.store(value)], t.const(None)))
        swallow = t.negate(t.call(leave, ast.Starred(native_call("$exc_info", t.load(error)), ast.Load())))
        handler = ast.ExceptHandler(
            t.load("$BE"), error, [t.assign(whole, t.const(False)), t.if_(swallow, [ast.Raise()])]
        )
        guarded = ast.Try([*inside, *body], [handler], [], [])
        guarded.kos_with = True  # type: ignore[attr-defined]  # our own mark
        nothing = t.const(None)
        at_end: list[ast.stmt] = [
            t.if_(t.load(whole), [ast.Expr(t.call(leave, nothing, nothing, nothing))]),
            t.clear([leave]),
        ]
        made = t.place(ast.Try([guarded], [], [], at_end), where)
        made.kos_with = True  # type: ignore[attr-defined]  # our own mark
        self.stmt(made)


#: First letters of hidden locals that hold guest values.
_STALE = frozenset({"$t", "$r", "$i", "$v", "$x", "$a", "$b", "$d", "$s"})
