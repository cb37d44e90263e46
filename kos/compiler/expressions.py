"""Expressions that suspend: operands in order into temporaries, calls as statements of their own."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence

from kos.compiler import tree as t
from kos.compiler.facts import Comprehension
from kos.compiler.names import Names
from kos.compiler.scope import SEE_LOCALS


class Expressions(Names):
    """Lowering of expressions to residuals."""

    def expr(self, node: ast.expr) -> ast.expr:
        """Emit what of an expression must be statements; the rest is returned as a residual."""
        outer, self.at = self.at, node
        try:
            if self.facts.suspends(node):
                special = getattr(self, "expr_" + type(node).__name__)
                result: ast.expr = special(node)
                return t.place(result, node)
            return self.native(node)
        finally:
            self.at = outer

    def operands(self, nodes: Sequence[ast.expr]) -> list[ast.expr]:
        """Residuals of several operands: those before the last one that suspends are in temporaries."""
        last = max((i for i, node in enumerate(nodes) if self.facts.suspends(node)), default=-1)
        found = []
        for i, node in enumerate(nodes):
            residual = self.expr(node)
            found.append(self.hold(residual) if i < last else residual)
        return found

    def settle(self, residual: ast.expr) -> ast.expr:
        """The residual evaluated now: what it reads is let go before the next call, as from CPython's stack."""
        names = t.hidden_names(residual)
        if not names:
            return residual
        self.set(names[0], residual)
        return t.load(names[0])

    def truth(self, node: ast.expr) -> ast.expr:
        """A residual to be tested, which asks each object for its truth value once."""
        if isinstance(node, ast.BoolOp) and self.facts.suspends(node):
            return self._boolean(node, as_bool=True)
        return self.expr(node)

    # -- choices ------------------------------------------------------------------------------------------------

    def expr_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return self._boolean(node, as_bool=False)

    def _boolean(self, node: ast.BoolOp, as_bool: bool) -> ast.expr:
        name = self.temp()

        def evaluate(part: ast.expr) -> None:
            residual = self.truth(part) if as_bool else self.expr(part)
            self.set(name, t.negate(t.negate(residual)) if as_bool else residual)

        def go_on(rest: list[ast.expr]) -> None:
            if rest:
                lo, outer = self.points, self.begin()
                self.drop([name])
                evaluate(rest[0])
                go_on(rest[1:])
                body = self.end(outer)
                test: ast.expr = t.load(name)
                if isinstance(node.op, ast.Or):
                    test = t.negate(test)
                if self.resume and lo < self.points:
                    test = ast.IfExp(t.load("$j"), t.within(lo, self.points), test)
                self.emit(t.if_(test, body), lo=lo)

        evaluate(node.values[0])
        go_on(node.values[1:])
        return t.load(name)

    def expr_IfExp(self, node: ast.IfExp) -> ast.expr:
        test = self.truth(node.test)
        name = self.temp()
        lo, outer = self.points, self.begin()
        self.set(name, self.expr(node.body))
        body = self.end(outer)
        middle, outer = self.points, self.begin()
        self.set(name, self.expr(node.orelse))
        self.branch(test, body, self.end(outer), lo, middle, self.points)
        return t.load(name)

    def expr_Compare(self, node: ast.Compare) -> ast.expr:
        parts = [node.left, *node.comparators]
        if not any(self.facts.suspends(part) for part in parts[2:]):
            left, right = self.operands(parts[:2])
            return self.settle(ast.Compare(left, node.ops, [right, *map(self.native, parts[2:])]))
        name = self.temp()

        def link(left: ast.expr, number: int) -> None:
            residual = self.expr(parts[number + 1])
            last = number == len(node.ops) - 1
            right = residual if last else self.keep(residual)
            self.emit(t.assign(name, t.compare(left, node.ops[number], right)))
            self.drop(t.hidden_names(left))
            if last:
                self.drop(t.hidden_names(right))
                return
            lo, outer = self.points, self.begin()
            link(right, number + 1)
            body = self.end(outer)
            test: ast.expr = t.load(name)
            if self.resume and lo < self.points:
                test = ast.IfExp(t.load("$j"), t.within(lo, self.points), test)
            self.emit(t.if_(test, body, [t.clear([right.id])] if isinstance(right, ast.Name) else []), lo=lo)

        link(self.keep(self.expr(parts[0])), 0)
        return t.load(name)

    def keep(self, residual: ast.expr) -> ast.expr:
        """Evaluate a residual into a temporary of its own, to be used more than once."""
        return residual if isinstance(residual, ast.Constant) else self.hold(residual)

    # -- operators and displays ---------------------------------------------------------------------------------

    def expr_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        return self.named(node.target.id, self.expr(node.value))

    def expr_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.operands([node.left, node.right])
        return self.settle(ast.BinOp(left, node.op, right))

    def expr_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.truth(node.operand) if isinstance(node.op, ast.Not) else self.expr(node.operand)
        return ast.UnaryOp(node.op, operand)

    def expr_Attribute(self, node: ast.Attribute) -> ast.expr:
        made = self.attribute(self.expr(node.value), node)
        return self.settle(made) if isinstance(node.ctx, ast.Load) else made

    def expr_Subscript(self, node: ast.Subscript) -> ast.expr:
        value, index = self.operands([node.value, node.slice])
        made = ast.Subscript(value, index, node.ctx)
        return self.settle(made) if isinstance(node.ctx, ast.Load) else made

    def expr_Slice(self, node: ast.Slice) -> ast.expr:
        return t.call("$slice", *self.operands([p or t.const(None) for p in (node.lower, node.upper, node.step)]))

    def expr_Starred(self, node: ast.Starred) -> ast.expr:
        return ast.Starred(self.collected(self.expr(node.value), -1), node.ctx)

    def expr_Tuple(self, node: ast.Tuple) -> ast.expr:
        return ast.Tuple(self.operands(node.elts), ast.Load())

    def expr_List(self, node: ast.List) -> ast.expr:
        return ast.List(self.operands(node.elts), ast.Load())

    def expr_Set(self, node: ast.Set) -> ast.expr:
        return ast.Set(self.operands(node.elts))

    def expr_Dict(self, node: ast.Dict) -> ast.expr:
        if node.keys == [None]:
            return ast.Dict([None], [self.expr(node.values[0])])
        flat: list[ast.expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            flat += [_mapping(value)] if key is None else [key, value]
        values = self.operands(flat)
        keys: list[ast.expr | None] = []
        made: list[ast.expr] = []
        for key in node.keys:
            keys.append(None if key is None else values.pop(0))
            made.append(values.pop(0))
        return ast.Dict(keys, made)

    def expr_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        last = max(i for i, part in enumerate(node.values) if self.facts.suspends(part))
        parts: list[ast.expr] = []
        for i, part in enumerate(node.values):
            residual = self.expr(part)
            if i < last and not isinstance(residual, ast.Constant):
                # Formatted now: Python does so before it looks at the next part.
                residual = ast.FormattedValue(self.hold(ast.JoinedStr([residual])), -1, None)
            parts.append(residual)
        return self.settle(ast.JoinedStr(parts))

    def expr_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        if node.format_spec is None:
            return ast.FormattedValue(self.expr(node.value), node.conversion, None)
        value, spec = self.operands([node.value, node.format_spec])
        if not isinstance(spec, ast.JoinedStr):
            spec = ast.JoinedStr([ast.FormattedValue(spec, -1, None)])
        return ast.FormattedValue(value, node.conversion, spec)

    # -- calls --------------------------------------------------------------------------------------------------

    def expr_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name):
            if node.func.id == "super" and not node.args and not node.keywords and "__class__" in self.scope.free:
                return self._super(node)
            if node.func.id in SEE_LOCALS:
                node = self._with_locals(node)
        values = [_mapping(k.value) if k.arg is None else k.value for k in node.keywords]
        if self.facts.is_native_call(node) and isinstance(node.func, ast.Name):
            operands = [self.native(node.func), *self.operands([*node.args, *values])]
        else:
            operands = self.operands([node.func, *node.args, *values])
        func, args = operands[0], operands[1 : 1 + len(node.args)]
        rest = operands[1 + len(node.args) :]
        keywords = [ast.keyword(k.arg, _plain(v)) for k, v in zip(node.keywords, rest, strict=True)]
        if self.facts.is_native_call(node):
            return self.settle(ast.Call(func, args, keywords))
        return self.suspend(ast.Call(self.target(func, isinstance(node.func, ast.Name)), args, keywords))

    def collected(self, value: ast.expr, limit: int) -> ast.expr:
        """A call's result that is about to be unpacked: of a guest's generator, which may suspend, a list of its items.

        limit: how many the unpacking takes, and it looks at one more; -1: all.
        """
        if not (isinstance(value, ast.Name) and value.id == "$r"):
            return value
        is_generator = t.is_(t.call("$type", value), t.load("$generator"))
        return self.suspend(ast.IfExp(is_generator, t.call("$collect", value, t.const(limit)), value))

    def target(self, func: ast.expr, named: bool) -> ast.expr:
        """What to call for f: a built-in itself, tested in place (35 ns less than to ask), or `$w(f)`.

        named: it is called by a name, in whatever temporary its value may be by now.
        """
        if named:
            return t.call("$w", func)  # likely a guest's; and next() and iter() are not called natively
        again = func
        if not isinstance(func, ast.Name):
            func, again = ast.NamedExpr(t.store("$f"), func), t.load("$f")
        native = t.is_(t.call("$type", func), t.load("$B"))
        return ast.IfExp(native, again, t.call("$w", again))

    def _super(self, node: ast.Call) -> ast.expr:
        """super() looks at its caller's first argument and __class__ cell: both are given."""
        if not self.scope.params:
            return t.call(self.native(node.func))
        first = t.load(self.scope.params[0])
        plain = t.call("super", t.load("__class__"), first)
        return self.suspend(
            ast.IfExp(t.is_(t.load("super"), t.load("$super")), plain, t.call(t.call("$w", t.load("super"))))
        )

    def _with_locals(self, node: ast.Call) -> ast.Call:
        """`locals()` and its like look at their caller's locals, which here have hidden ones among them."""
        if self.scope.kind == "class":
            seen: ast.expr = t.load("$ns")
        elif self.scope.kind == "module":
            seen = t.call("$globals")
        else:
            seen = t.call("$visible", t.call("$locals"), t.const(self.scope.names_in_order()))
            if sys.version_info < (3, 13) and not self.scope.sees_locals:
                seen = ast.NamedExpr(t.store("$lo"), seen)  # the frame's own dict, each time: `visible` finds it
            around = self.scope
            while around.sees_locals and around.parent is not None:
                around = around.parent
            if around.kind in ("class", "module") and sys.version_info < (3, 13):
                seen = ast.Dict([None, None], [t.load("$ns") if around.kind == "class" else t.call("$globals"), seen])
        for part in ast.walk(seen):
            if isinstance(part, ast.Call):
                part.kos_native = True  # type: ignore[attr-defined]  # our own mark
        func = t.call("$dyn", node.func, t.call("$globals"), seen)
        for made in (func, func.args[1]):
            made.kos_native = True  # type: ignore[attr-defined]  # our own mark
        return t.place(ast.Call(func, node.args, node.keywords), node)

    def expr_Lambda(self, node: ast.Lambda) -> ast.expr:
        return self.make_function(node, self.operands(self.function_operands(node)))

    def _comprehension_call(self, node: Comprehension) -> ast.expr:
        scope = self.scopes[node]
        iterator = self.suspend(t.call("$iter", self.expr(node.generators[0].iter)))
        maker = t.call("$cm", self.key(scope), t.call("$globals"), self.closure(scope))
        made = t.call(maker, iterator)
        return made if isinstance(node, ast.GeneratorExp) else self.suspend(made)

    expr_ListComp = expr_SetComp = expr_DictComp = expr_GeneratorExp = _comprehension_call

    # -- generators ---------------------------------------------------------------------------------------------

    def expr_Yield(self, node: ast.Yield) -> ast.expr:
        return self.user_yield(t.const(None) if node.value is None else self.expr(node.value))

    def expr_YieldFrom(self, node: ast.YieldFrom) -> ast.expr:
        return self.suspend(t.call("$yf", self.expr(node.value)))


def _mapping(node: ast.expr) -> ast.expr:
    """An operand `**node`, so that holding it copies the mapping now."""
    return t.place(ast.Dict([None], [node]), node)


def _plain(residual: ast.expr) -> ast.expr:
    """`**x` again of `**{**x}` that nothing had to be held for: the call says what it thinks of x."""
    if isinstance(residual, ast.Dict) and residual.keys == [None]:
        return residual.values[0]
    return residual
