"""Expressions that do not suspend: copied, with names as their scope has them, and functions made by the runtime."""

from __future__ import annotations

import ast
import copy
from typing import cast

from kos.compiler import tree as t
from kos.compiler.core import Core
from kos.compiler.facts import annotated_arguments, annotations_of
from kos.compiler.scope import Scope

Function = ast.FunctionDef | ast.Lambda | t.Block

_SEEN_BY_GUESTS = {
    "__traceback__": "$guest_tb",
    "__context__": "$guest_context",
    "f_back": "$guest_back",
    "f_locals": "$guest_locals",
    "f_code": "$guest_code",
}


#: What a code object says of its function; the rest is its place, or too deep to show.
_FACTS_OF_CODE = frozenset({"co_consts", "co_names", "co_varnames", "co_cellvars", "co_nlocals", "co_flags"})


class Names(Core):
    """Lowering of names and of native expressions; never changes the tree that it is given."""

    def native(self, node: ast.expr) -> ast.expr:
        """A native expression (or store target) as a residual."""
        return cast(ast.expr, self.pure(node))

    def pure(self, node: ast.AST) -> ast.AST:
        """A copy of a native piece of the tree."""
        special = getattr(self, "pure_" + type(node).__name__, None)
        if special is not None:
            return cast(ast.AST, special(node))
        made = copy.copy(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                setattr(made, name, self.pure(value))
            elif isinstance(value, list):
                setattr(made, name, [self.pure(v) if isinstance(v, ast.AST) else v for v in value])
        return made

    # -- names --------------------------------------------------------------------------------------------------

    def in_class(self, name: str) -> bool:
        """Whether a (mangled) name is a class body's own here, so that it lives in the namespace."""
        scope = self.scope
        return scope.kind == "class" and name not in scope.global_names and name not in scope.nonlocal_names

    def pure_Name(self, node: ast.Name) -> ast.expr:
        name = node.id if node.id[0] in "$." else self.scope.mangle(node.id)
        made: ast.expr = ast.Name(name, node.ctx)
        if name in self.scope.global_for_itself:
            if isinstance(node.ctx, ast.Load):
                made = t.call("$gl", t.call("$globals"), t.const(name))
            else:
                made = ast.Subscript(t.call("$globals"), t.const(name), node.ctx)
        elif name[0] not in "$." and self.in_class(name):
            if isinstance(node.ctx, ast.Load):
                made = self._class_load(name)
            else:
                made = ast.Subscript(t.load("$ns"), t.const(name), node.ctx)
        elif self.scope.seen_class is not None and isinstance(node.ctx, ast.Load) and name not in self.scope.local:
            made = made if name[0] in "$." else self._load_past_class(name, self.scope.seen_class)
        elif self.resume and isinstance(node.ctx, ast.Load) and self.scope.kind == "function":
            if name in self.scope.cells and name not in self.scope.free:
                made = self._own_cell(name)
        return t.place(made, node)

    def _class_load(self, name: str) -> ast.expr:
        scope = self.scope
        elsewhere: ast.expr = t.load(name)
        if (name in scope.local and name in scope.free) or (name in scope.cells and name not in scope.free):
            # Bound here, so never the enclosing function's, although a method closes over that one; or `__class__`,
            # the cell of which is the methods' alone.
            elsewhere = t.call("$gl", t.call("$globals"), t.const(name))
        return ast.IfExp(t.call("$has", t.load("$ns"), t.const(name)), t.item(t.load("$ns"), name), elsewhere)

    def _load_past_class(self, name: str, owner: Scope) -> ast.expr:
        """A name in a function of type parameters: what the class body around it has, or else as ever."""
        elsewhere: ast.expr = t.load(name)
        if name in owner.local or name in owner.global_names:
            elsewhere = t.call("$gl", t.call("$globals"), t.const(name))
        if name in owner.global_names:
            return elsewhere
        return ast.IfExp(t.call("$has", t.load("$ns"), t.const(name)), t.item(t.load("$ns"), name), elsewhere)

    def _own_cell(self, name: str) -> ast.expr:
        """In the resume form all cells come from outside; an unbound one must still say that it is a local."""
        index = sorted(self.scope.cells | self.scope.free).index(name)
        return t.call("$cell", t.item(t.load("$cells"), index), t.const(name))

    def pure_Attribute(self, node: ast.Attribute) -> ast.expr:
        return t.place(self.attribute(self.native(node.value), node), node)

    def attribute(self, value: ast.expr, node: ast.Attribute) -> ast.expr:
        """An attribute of a residual; what exceptions and frames say of the stack is the guest's part."""
        if node.attr in _SEEN_BY_GUESTS and isinstance(node.ctx, ast.Load):
            return t.call(_SEEN_BY_GUESTS[node.attr], value)
        if node.attr in _FACTS_OF_CODE and isinstance(node.ctx, ast.Load):
            return t.call("$guest_co", value, t.const(node.attr))
        return ast.Attribute(value, self.scope.mangle(node.attr), node.ctx)

    def pure_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        return t.place(self.named(node.target.id, self.native(node.value)), node)

    def named(self, name: str, value: ast.expr) -> ast.expr:
        """`name := residual`."""
        name = self.scope.mangle(name)
        if self.in_class(name):
            return t.call("$cs", t.load("$ns"), t.const(name), value)
        return ast.NamedExpr(t.store(name), value)

    def pure_MatchClass(self, node: ast.MatchClass) -> ast.AST:
        return ast.copy_location(
            ast.MatchClass(
                self.native(node.cls),
                [cast(ast.pattern, self.pure(p)) for p in node.patterns],
                [self.scope.mangle(a) for a in node.kwd_attrs],
                [cast(ast.pattern, self.pure(p)) for p in node.kwd_patterns],
            ),
            node,
        )

    # -- comprehensions that stay native ------------------------------------------------------------------------

    def _comprehension(self, node: ast.AST) -> ast.AST:
        """Only the first iterable belongs to this scope; in the rest a class body's names are not seen."""
        first = node.generators[0]  # type: ignore[attr-defined]  # these nodes have it
        iterable = self.native(first.iter)
        outer, self.scope = self.scope, self.scopes[node]
        made = copy.copy(node)
        clauses = []
        for clause in node.generators:  # type: ignore[attr-defined]  # these nodes have it
            source = iterable if clause is first else self.native(clause.iter)
            clauses.append(
                ast.comprehension(self.native(clause.target), source, [self.native(i) for i in clause.ifs], 0)
            )
        made.generators = clauses  # type: ignore[attr-defined]  # these nodes have it
        for field in ("elt", "key", "value"):
            if hasattr(node, field):
                setattr(made, field, self.native(getattr(node, field)))
        self.scope = outer
        return made

    pure_ListComp = pure_SetComp = pure_DictComp = pure_GeneratorExp = _comprehension

    # -- functions ----------------------------------------------------------------------------------------------

    def pure_Lambda(self, node: ast.Lambda | t.Block) -> ast.expr:
        values = [self.native(e) for e in self.function_operands(node)]
        return t.place(self.make_function(node, values), node)

    pure_Block = pure_Lambda

    def function_operands(self, node: Function) -> list[ast.expr]:
        """What `def` evaluates, in order: defaults, keyword defaults, annotations."""
        found = [*node.args.defaults, *[d for d in node.args.kw_defaults if d is not None]]
        if isinstance(node, ast.FunctionDef) and not self.string_annotations:
            found += [_only(e) if isinstance(e, ast.Starred) else e for e in annotations_of(node)]
        return found

    def key(self, scope: Scope) -> ast.Constant:
        """The constant that names a function of this unit."""
        return t.const((self.unit_id, scope.index))

    def closure(self, scope: Scope) -> ast.expr:
        """The cells that a function closes over, in the order of its co_freevars."""
        if not scope.free:
            return t.const(None)
        names = ast.Tuple([t.load(n) for n in sorted(scope.free)], ast.Load())
        nothing = ast.arguments([], [], None, [], [], None, [])
        return ast.Attribute(ast.Lambda(nothing, names), "__closure__", ast.Load())

    def make_function(self, node: Function, values: list[ast.expr]) -> ast.expr:
        """The residual that makes a function object, from the residuals of `function_operands`."""
        scope, args = self.scopes[node], node.args
        values = list(values)
        defaults: ast.expr = t.const(None)
        if args.defaults:
            defaults = ast.Tuple([values.pop(0) for _ in args.defaults], ast.Load())
        kwdefaults: ast.expr = t.const(None)
        given = [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None]
        if given:
            keys: list[ast.expr | None] = [t.const(scope.mangle(a.arg)) for a, _ in given]
            kwdefaults = ast.Dict(keys, [values.pop(0) for _ in given])
        annotations = self._annotations(node, values)
        extra = [defaults, kwdefaults, self.closure(scope), annotations]
        while extra and isinstance(extra[-1], ast.Constant):
            extra.pop()
        return t.call("$mk", self.key(scope), t.call("$globals"), *extra)

    def _annotations(self, node: Function, values: list[ast.expr]) -> ast.expr:
        if not isinstance(node, ast.FunctionDef):
            return t.const(None)
        names = [self.scope.mangle(a.arg) for a in annotated_arguments(node.args)]
        if node.returns is not None:
            names.append("return")
        if self.string_annotations:
            values = [t.const(ast.unparse(e)) for e in annotations_of(node)]
        if not names:
            return t.const(None)
        return ast.Dict([t.const(n) for n in names], values)


def _only(node: ast.Starred) -> ast.expr:
    """The annotation of `*args: *Ts`: the one item of Ts."""
    made = t.call("$only", node.value)
    made.kos_native = True  # type: ignore[attr-defined]  # our own mark
    return t.place(made, node)
