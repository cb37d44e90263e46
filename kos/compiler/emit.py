"""From lowered statements to code objects: the stub, the fast and the resume form of each function."""

from __future__ import annotations

import ast
from types import CodeType

from kos.compiler import tree as t
from kos.compiler.core import Item
from kos.compiler.facts import Facts, docstring, first_line
from kos.compiler.matching import Matching
from kos.compiler.refuse import Refused
from kos.compiler.scope import Scope
from kos.compiler.unit import META, CodeInfo, Kind

#: Hidden locals that the prologue of the resume form does not restore.
_NOT_STATE = frozenset({"$r", "$pt", "$cells", "$j", "$child", "$L", "$si", "$f"})


class Lowering(Matching):
    """Lowering of one function in one form."""

    def function_body(self) -> list[Item]:
        """Lower the whole body; the items of its block."""
        node = self.scope.node
        match node:
            case ast.Module():
                self._module(node)
            case ast.ClassDef():
                self.class_prologue(node)
                for stmt in node.body:
                    self.stmt(stmt)
                self.at = node
                self.class_epilogue()
            case ast.Lambda():
                if self.scope.is_generator:
                    self.run(self.expr(node.body))  # its value is the StopIteration's
                else:
                    self.stmt(t.place(ast.Return(node.body), node.body))
            case ast.FunctionDef() | t.Block():
                for stmt in node.body:
                    self.stmt(stmt)
            case _:
                for stmt in self.comprehension_body(node):
                    self.stmt(stmt)
        return self.block

    def _module(self, node: ast.Module) -> None:
        doc = docstring(node)
        if doc is not None:
            self.emit(t.assign("__doc__", t.const(doc)))
        if "__annotations__" in self.scope.bound:
            self.emit(ast.Expr(t.call("$notes", t.call("$globals"))))
        for stmt in node.body:
            self.stmt(stmt)


class Emitter:
    """Makes the code objects of one file's functions."""

    def __init__(self, facts: Facts, scopes: dict[ast.AST, Scope], unit_id: str, filename: str) -> None:
        self.facts, self.scopes, self.unit_id, self.filename = facts, scopes, unit_id, filename
        self.string_annotations = False
        self.displays = False  #: the values of the module's expression statements are shown, as at a prompt
        self.is_expression = False  #: the unit is a lambda without parameters, made for eval
        self.entry_safepoints = True  #: the runtime's own library has none (its callers do), nor inline stores

    def function(self, scope: Scope) -> CodeInfo:
        """The code of one function."""
        fast = self._lower(scope, resume=False)
        items = fast.function_body()
        kind: Kind
        if scope.kind in ("module", "class"):
            kind = "module" if scope.kind == "module" else "class"
        else:
            kind = "generator" if scope.is_generator else "function"
        plain = kind == "function" and fast.points == 1
        cellnames = tuple(sorted(scope.cells | scope.free))
        params = tuple(scope.params)
        if plain:
            doc = self._docstring(scope)
            code = self._compile(scope, [*doc, *self._head(scope), *fast.seal(items)], self._args(scope))
            stub = self._finish(code, scope, meta=True)
            return CodeInfo(self.unit_id, scope.index, scope.name, scope.qualname, kind, stub, None, None, (), params)
        fast_code = self._finish(self._fast(scope, fast, items, kind, cellnames), scope, meta=False)
        slow = self._lower(scope, resume=True)
        slow_items = slow.function_body()
        resume = self._finish(self._resume(scope, slow, slow_items, kind, cellnames), scope, meta=False)
        stub = self._finish(self._stub(scope), scope, meta=True)
        return CodeInfo(
            self.unit_id, scope.index, scope.name, scope.qualname, kind, stub, fast_code, resume, cellnames, params
        )

    def _lower(self, scope: Scope, resume: bool) -> Lowering:
        made = Lowering(scope, self.scopes, self.facts, self.unit_id, resume)
        made.string_annotations = self.string_annotations
        made.inline_stores = self.entry_safepoints
        made.displays = self.displays and scope.kind == "module"
        return made

    # -- the three forms ----------------------------------------------------------------------------------------

    def _fast(
        self, scope: Scope, lowering: Lowering, items: list[Item], kind: Kind, cellnames: tuple[str, ...]
    ) -> CodeType:
        entry: list[ast.stmt] = []
        if self.entry_safepoints and kind == "function" and scope.kind == "function":
            items = self._with_entry(lowering, items)
        body = self._carry(scope, lowering.seal(items), kind)
        if cellnames:
            entry.append(t.assign("$cells", self._cells(cellnames)))
        return self._compile(scope, [*self._head(scope), *entry, *body], self._args(scope))

    def _resume(
        self, scope: Scope, lowering: Lowering, items: list[Item], kind: Kind, cellnames: tuple[str, ...]
    ) -> CodeType:
        if self.entry_safepoints and kind == "function" and scope.kind == "function":
            items = self._with_entry(lowering, items)
        body = lowering.seal(items)
        cells = set(cellnames)
        names = sorted((scope.local | set(scope.params)) - cells) if scope.kind != "module" else []
        if scope.kind == "class":
            names = sorted({"$ns"} - cells)
        restore: list[ast.stmt] = []
        for name in [*names, *_hidden_locals(body)]:
            known = t.compare(t.const(name), ast.In(), t.load("$L"))
            restore.append(t.if_(known, [t.assign(name, t.item(t.load("$L"), name))]))
        prologue: list[ast.stmt] = [*restore, t.assign("$pt", t.const(0))]
        prologue.append(t.assign("$L", t.const(None)))
        if cellnames:
            prologue.append(t.assign("$cells", self._cells(cellnames)))
        body = [*self._head(scope, cells), *prologue, *self._carry(scope, body, kind)]
        if not cells:
            body.insert(0, t.if_(t.const(0), [ast.Expr(ast.Yield(None))]))
        params = [ast.arg("$j"), ast.arg("$L"), ast.arg("$child")]
        return self._compile(scope, body, ast.arguments([], params, None, [], [], None, []), cells)

    def _with_entry(self, lowering: Lowering, items: list[Item]) -> list[Item]:
        """A safepoint at the function's entry, numbered last."""
        lowering.block = []
        lowering.at = lowering.scope.node
        lowering.safepoint()
        return [*lowering.block, *items]

    def _stub(self, scope: Scope) -> CodeType:
        """The visible function: for C code, which wants a result."""
        args: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        given = self._args(scope)
        for arg in [*given.posonlyargs, *given.args]:
            args.append(t.load(arg.arg))
        if given.vararg:
            args.append(ast.Starred(t.load(given.vararg.arg), ast.Load()))
        for arg in given.kwonlyargs:
            keywords.append(ast.keyword(arg.arg, t.load(arg.arg)))
        if given.kwarg:
            keywords.append(ast.keyword(None, t.load(given.kwarg.arg)))
        key = t.const((self.unit_id, scope.index))
        closure: ast.expr = t.const(None)
        if scope.free:
            closure = self._cells(tuple(sorted(scope.free)))
        enter = t.call("$enter", key, t.call("$globals"), closure, *args, keywords=keywords)
        return self._compile(scope, [*self._docstring(scope), ast.Return(enter)], given)

    # -- parts --------------------------------------------------------------------------------------------------

    def _carry(self, scope: Scope, body: list[ast.stmt], kind: Kind) -> list[ast.stmt]:
        """A StopIteration leaves a body only in a Carry; a generator's own becomes RuntimeError, natively."""
        body = body or [ast.Pass()]
        if kind == "generator":
            return body
        wrap = ast.Raise(t.call("$Carry", t.load("$si")), t.const(None))
        return [ast.Try(body, [ast.ExceptHandler(t.load("$SI"), "$si", [wrap])], [], [])]

    def _cells(self, names: tuple[str, ...]) -> ast.expr:
        nothing = ast.arguments([], [], None, [], [], None, [])
        cells = ast.Lambda(nothing, ast.Tuple([t.load(n) for n in names], ast.Load()))
        return ast.Attribute(cells, "__closure__", ast.Load())

    def _head(self, scope: Scope, cells: set[str] | None = None) -> list[ast.stmt]:
        """Declarations that make every name mean what the scope says, whatever the lowered body does with it."""
        head: list[ast.stmt] = []
        bound = scope.bound | (cells or set())
        global_names = sorted(scope.local if scope.kind == "module" else scope.global_names & bound)
        global_names = [name for name in global_names if name not in scope.global_for_itself]
        if scope.kind == "module":
            global_names = sorted(scope.bound | {"__doc__"})
        if global_names:
            head.append(ast.Global(global_names))
        outer = set(cells) if cells is not None else (scope.nonlocal_names & scope.free)
        if outer:
            head.append(ast.Nonlocal(sorted(outer)))
        dead: list[ast.stmt] = []
        if scope.free:
            dead += [ast.Expr(t.load(name)) for name in sorted(scope.free)]
        own: set[str] = set()
        if scope.kind == "class":
            own = scope.cells - scope.free
        elif scope.kind != "module":
            own = set(scope.local)
        own -= outer
        if cells is None:
            own -= set(scope.params)
        if scope.kind == "comp":
            own -= {".0"}
        # In CPython's order: so are locals let go when the function returns.
        order = {name: n for n, name in enumerate(scope.names_in_order())}
        dead += [t.assign(name, t.const(None)) for name in sorted(own, key=lambda name: (order.get(name, -1), name))]
        if dead:
            head.append(t.if_(t.const(0), dead))
        return head

    def _docstring(self, scope: Scope) -> list[ast.stmt]:
        if isinstance(scope.node, ast.FunctionDef):
            doc = ast.get_docstring(scope.node, clean=False)
            if doc is not None:
                return [ast.Expr(t.const(doc))]
        return []

    def _args(self, scope: Scope) -> ast.arguments:
        """The parameters, without their defaults: those are the function object's."""
        node = scope.node
        if isinstance(node, (ast.FunctionDef, ast.Lambda, t.Block)):
            a = node.args

            def arg(old: ast.arg) -> ast.arg:
                return ast.arg(scope.mangle(old.arg))

            return ast.arguments(
                [arg(x) for x in a.posonlyargs],
                [arg(x) for x in a.args],
                arg(a.vararg) if a.vararg else None,
                [arg(x) for x in a.kwonlyargs],
                [None for _ in a.kwonlyargs],
                arg(a.kwarg) if a.kwarg else None,
                [],
            )
        return ast.arguments([], [ast.arg(name) for name in scope.params], None, [], [], None, [])

    def _compile(
        self, scope: Scope, body: list[ast.stmt], args: ast.arguments, outer: set[str] | None = None
    ) -> CodeType:
        # Not under its own name, which would be a local of the wrapper, not the module's.
        function = ast.FunctionDef("$fn", args, body or [ast.Pass()], [], lineno=first_line(scope.node), col_offset=0)
        function.end_lineno, function.end_col_offset = function.lineno, 0
        enclosing: list[ast.stmt] = [t.assign(name, t.const(None)) for name in sorted(outer or scope.free)]
        wrap = ast.FunctionDef("$wrap", ast.arguments([], [], None, [], [], None, []), [*enclosing, function], [])
        module = ast.Module([wrap], [])
        if hasattr(ast, "TypeVar"):  # Python 3.12 wants the field
            for made in (function, wrap):
                made.type_params = []  # type: ignore[attr-defined]  # these nodes have it
        t.place(module, scope.node)
        try:
            whole = compile(module, self.filename, "exec", dont_inherit=True, optimize=0)
        except SyntaxError as error:  # the only one left: the lowered form nests deeper than the source
            raise Refused(f"{error.msg}: a kos guest cannot use this", (self.filename, error.lineno, 1, "")) from None
        wrapper = next(c for c in whole.co_consts if isinstance(c, CodeType))
        return next(c for c in wrapper.co_consts if isinstance(c, CodeType))

    def _finish(self, code: CodeType, scope: Scope, meta: bool) -> CodeType:
        consts = code.co_consts
        name, qualname = scope.name, scope.qualname
        if self.is_expression and scope.index == 1:
            name = qualname = "<module>"  # what eval() runs
        if meta:
            consts = (*consts, (META, self.unit_id, scope.index))
        return code.replace(co_name=name, co_qualname=qualname, co_consts=consts)


def _hidden_locals(body: list[ast.stmt]) -> list[str]:
    """The hidden locals that a lowered body binds, as far as they are a part of its state."""
    found: dict[str, None] = {}
    for stmt in body:
        for node in ast.walk(stmt):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id[0] == "$":
                found[node.id] = None
            elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and (node.name or "")[:1] == "$":
                found[node.name or ""] = None
            elif isinstance(node, ast.MatchMapping) and (node.rest or "")[:1] == "$":
                found[node.rest or ""] = None
    return [name for name in found if name not in _NOT_STATE]
