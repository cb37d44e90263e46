"""Simple statements, `if` and loops."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from typing import cast

from kos.compiler import tree as t
from kos.compiler.core import BROKE, CONTINUED, RETURNED, Final, Loop
from kos.compiler.stores import Stores

#: Attributes of functions that are copied into what makes their bodies.
_DEFAULTS = frozenset({"__defaults__", "__kwdefaults__", "__code__"})


class Statements(Stores):
    """Lowering of statements into the current block."""

    def stmt(self, node: ast.stmt) -> None:
        """Lower one statement."""
        outer, self.at = self.at, node
        self.temps = 0
        special = getattr(self, "stmt_" + type(node).__name__)
        special(node)
        self.at = outer

    def stmts(self, nodes: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Lower statements into a block of their own."""
        outer = self.begin()
        for node in nodes:
            self.stmt(node)
        return self.end(outer)

    # -- simple ones --------------------------------------------------------------------------------------------

    def stmt_Pass(self, node: ast.stmt) -> None:
        pass

    stmt_Global = stmt_Nonlocal = stmt_Pass

    def stmt_Expr(self, node: ast.Expr) -> None:
        if self.displays:
            value = self.keep(self.expr(node.value))
            self.run(self.suspend(t.call(t.call("$w", t.call("$displayhook")), value)))
        elif not isinstance(node.value, ast.Constant):
            self.run(self.expr(node.value))

    def stmt_Assign(self, node: ast.Assign) -> None:
        if self.byte_store(node):
            return
        self._assign(node)
        if any(isinstance(target, ast.Attribute) and target.attr in _DEFAULTS for target in node.targets):
            self.emit(ast.Expr(t.call("$forget")))

    def _assign(self, node: ast.Assign) -> None:
        value = self.expr(node.value)
        if isinstance(node.targets[0], (ast.Tuple, ast.List)):
            parts = node.targets[0].elts
            value = self.collected(value, -1 if any(isinstance(p, ast.Starred) for p in parts) else len(parts))
        if not any(self.facts.suspends(target) for target in node.targets):
            self.emit(ast.Assign([self.native(target) for target in node.targets], value))
            self.drop(t.hidden_names(value))
            return
        held = self.hold(value)
        for target in node.targets:
            self.store(target, held)
        self.drop(t.hidden_names(held))

    def store(self, target: ast.expr, value: ast.expr) -> None:
        """Assign a held value to one target, whose parts may suspend."""
        if not self.facts.suspends(target):
            self.emit(ast.Assign([self.native(target)], value))
        elif isinstance(target, ast.Starred):
            self.store(target.value, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            names = [self.temp() for _ in target.elts]
            parts: list[ast.expr] = []
            for name, part in zip(names, target.elts, strict=True):
                starred = isinstance(part, ast.Starred)
                parts.append(ast.Starred(t.store(name), ast.Store()) if starred else t.store(name))
            self.emit(ast.Assign([ast.Tuple(parts, ast.Store())], value))
            for name, part in zip(names, target.elts, strict=True):
                self.store(part, t.load(name))
                self.drop([name])
        else:
            place = self.expr(target)
            self.emit(ast.Assign([place], value))
            self.drop(t.hidden_names(place))

    def stmt_AugAssign(self, node: ast.AugAssign) -> None:
        target = node.target
        if not self.facts.suspends(node.value) and not isinstance(target, ast.Name):
            place = self.expr(target)
            self.emit(ast.AugAssign(cast(ast.Name, place), node.op, self.native(node.value)))
            self.drop(t.hidden_names(place))
            return
        if isinstance(target, ast.Name):
            name = self.scope.mangle(target.id)
            if not self.facts.suspends(node.value) and not self.in_class(name):
                self.emit(ast.AugAssign(t.store(name), node.op, self.native(node.value)))
                return
            reader: ast.expr = self.native(ast.Name(target.id, ast.Load()))
            writer: ast.expr = self.native(target)
        elif isinstance(target, ast.Attribute):
            owner = self.keep(self.expr(target.value))
            attr = self.scope.mangle(target.attr)
            reader, writer = ast.Attribute(owner, attr, ast.Load()), ast.Attribute(owner, attr, ast.Store())
        else:
            assert isinstance(target, ast.Subscript)
            owner, index = map(self.keep, self.operands([target.value, target.slice]))
            reader, writer = ast.Subscript(owner, index, ast.Load()), ast.Subscript(owner, index, ast.Store())
        old = self.temp()
        self.emit(t.assign(old, reader))
        value = self.expr(node.value)
        self.emit(ast.AugAssign(t.store(old), node.op, value))
        self.drop(t.hidden_names(value))
        self.emit(ast.Assign([writer], t.load(old)))
        self.drop([old, *t.hidden_names(writer)])

    def stmt_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.stmt_Assign(ast.copy_location(ast.Assign([node.target], node.value), node))
        if self.scope.kind not in ("module", "class"):
            return
        note: ast.expr = node.annotation
        if self.string_annotations:
            note = t.place(t.const(ast.unparse(note)), node)
        if node.simple and isinstance(node.target, ast.Name):
            value = self.expr(note)
            notes = self.native(t.load("__annotations__"))
            key = t.const(self.scope.mangle(node.target.id))
            self.emit(ast.Assign([ast.Subscript(notes, key, ast.Store())], value))
            self.drop(t.hidden_names(value))
        else:
            self.run(self.expr(note))

    def stmt_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self.delete(target)

    def delete(self, target: ast.expr) -> None:
        """`del` of one target."""
        if isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self.delete(part)
        elif isinstance(target, ast.Name) and self.in_class(self.scope.mangle(target.id)):
            self.emit(ast.Expr(t.call("$cd", t.load("$ns"), t.const(self.scope.mangle(target.id)))))
        else:
            place = self.expr(target)
            self.emit(ast.Delete([place]))
            self.drop(t.hidden_names(place))

    def stmt_Assert(self, node: ast.Assert) -> None:
        test = self.truth(node.test)
        lo, outer = self.points, self.begin()
        message = None if node.msg is None else self.expr(node.msg)
        self.emit(ast.Assert(t.const(False), message))
        body = self.end(outer)
        self.branch(t.negate(test), body, [], lo, self.points, self.points)

    def stmt_Raise(self, node: ast.Raise) -> None:
        parts = [part for part in (node.exc, node.cause) if part is not None]
        values: list[ast.expr | None] = [*self.operands(parts), None, None]
        hidden = t.hidden_names(values[0]) if values[0] is not None and values[1] is None else []
        if values[0] is not None and hidden:
            # The frame must not keep what it raises, which holds the frame: its locals would live on.
            self.emit(t.assign("$r", values[0]))
            self.drop([name for name in hidden if name != "$r"])
            moved = ast.Tuple([t.load("$r"), ast.NamedExpr(t.store("$r"), t.const(None))], ast.Load())
            values[0] = t.item(moved, 0)
        self.emit(ast.Raise(values[0], values[1]))

    # -- leaving ------------------------------------------------------------------------------------------------

    def stmt_Return(self, node: ast.Return) -> None:
        value = t.const(None) if node.value is None else self.expr(node.value)
        finals = [entry for entry in reversed(self.control) if isinstance(entry, Final)]
        for entry in finals:
            self.set(f"$v{entry.number}", value)
            self.emit(t.assign(f"$k{entry.number}", t.const(RETURNED)))
            entry.kinds.add(RETURNED)
            value = t.load(f"$v{entry.number}")
        self.emit(ast.Return(value))

    def _leave_loop(self, kind: int) -> None:
        for entry in reversed(self.control):
            if isinstance(entry, Loop):
                break
            self.emit(t.assign(f"$k{entry.number}", t.const(kind)))
            entry.kinds.add(kind)
        self.emit(ast.Break() if kind == BROKE else ast.Continue())

    def stmt_Break(self, node: ast.Break) -> None:
        self._leave_loop(BROKE)

    def stmt_Continue(self, node: ast.Continue) -> None:
        self._leave_loop(CONTINUED)

    # -- if and while -------------------------------------------------------------------------------------------

    def stmt_If(self, node: ast.If) -> None:
        test = self.truth(node.test)
        lo = self.points
        body = self.stmts(node.body)
        middle = self.points
        orelse = self.stmts(node.orelse)
        self.at = node
        self.branch(test, body, orelse, lo, middle, self.points)

    def stmt_While(self, node: ast.While) -> None:
        lo = self.points
        number = self.fresh()
        suspending = self.facts.suspends(node.test)
        outer = self.begin()
        loop = Loop(node)
        self.control.append(loop)
        test: ast.expr = t.const(True)
        if suspending:
            found = self.truth(node.test)
            stop: list[ast.stmt] = [ast.Break()]
            if node.orelse:
                stop.insert(0, t.assign(f"$w{number}", t.const(True)))
            self.branch(found, [ast.Pass()], stop, self.points, self.points, self.points)
        else:
            test = self.native(node.test)
        self.safepoint()
        for stmt in node.body:
            self.stmt(stmt)
        self.control.pop()
        body = self.end(outer)
        middle = self.points
        self.at = node
        orelse = self.stmts(node.orelse)
        self.at = node
        self.set_flags(loop)
        if self.resume:
            test = ast.IfExp(t.load("$j"), t.within(lo, middle), test)
        if not suspending:
            self.emit(ast.While(test, body, orelse), lo=lo)
            return
        if not node.orelse:
            self.emit(ast.While(test, body, []), lo=lo)
            return
        after = middle
        hi, self.points = self.points, after
        self.emit(t.assign(f"$w{number}", t.const(False)), lo=self.points)
        self.emit(ast.While(test, body, []), lo=lo)
        self.points = hi
        self.branch(t.load(f"$w{number}"), orelse, [], middle, hi, hi)

    # -- for ----------------------------------------------------------------------------------------------------

    def stmt_For(self, node: ast.For) -> None:
        number = self.fresh()
        iterator, value = f"$i{number}", f"$v{number}"
        if getattr(node, "kos_iterator", False):
            self.emit(t.assign(iterator, self.native(node.iter)))
        else:
            self.set(iterator, self.suspend(t.call("$iter", self.expr(node.iter))))
        lo, outer = self.points, self.begin()
        loop = Loop(node, iterator)
        self.control.append(loop)
        # The place that CPython blames for an iterator's errors.
        blamed: ast.AST = node.iter if sys.version_info >= (3, 13) else node
        self.at = blamed
        self._next(iterator, value)
        self.at = node.target
        self.temps = 0
        if self.facts.suspends(node.target):
            self.store(node.target, t.load(value))
        else:
            self.emit(ast.Assign([self.native(node.target)], t.load(value)))
        self.drop([value])
        self.at = node
        self.safepoint()
        for stmt in node.body:
            self.stmt(stmt)
        self.control.pop()
        self.at = node
        body = self.end(outer)
        middle = self.points
        orelse = self.stmts(node.orelse)
        self.at = node
        self.set_flags(loop)
        source: ast.expr = t.load(iterator)
        if self.resume:
            inside = t.call("$again", t.load(value), source)
            if node.orelse:
                inside_or_else = ast.IfExp(t.within(lo, middle), inside, t.const(()))
                source = ast.IfExp(t.load("$j"), inside_or_else, source)
            else:
                source = ast.IfExp(t.load("$j"), inside, source)
        self.emit(ast.For(t.store(value), t.place(source, blamed), body, orelse), lo=lo)
        self.emit(t.clear([iterator, value]))

    def _next(self, iterator: str, value: str) -> None:
        """Where the iterator is a guest's, the native loop gets `$P` from it: step it here."""
        k = self.point()
        is_step = t.is_(t.load(value), t.load("$P"))
        step: list[ast.stmt] = [t.assign("$r", t.call("$step", t.load(iterator)))]
        go: list[ast.stmt] = [
            t.assign("$pt", t.const(k)),
            t.assign(value, ast.YieldFrom(t.load("$r"))),
            t.clear(["$r"]),
            # The end: the iterator says so itself when it is asked again, which `else` wants.
            t.if_(t.is_(t.load(value), t.load("$P")), [ast.Continue()]),
        ]
        if self.resume:
            step = [t.if_(t.load("$j"), self._take_child(), step)]
            self.emit(t.if_(t.either(t.load("$j"), is_step), [*step, *go]), lo=k)
        else:
            self.emit(t.if_(is_step, [*step, *go]), lo=k)
