"""def, class and import: statements that bind a made object; and the bodies of comprehensions."""

from __future__ import annotations

import ast
import sys

from kos.compiler import tree as t
from kos.compiler.facts import docstring, first_line
from kos.compiler.tree import native_call
from kos.compiler.trying import Trying


class Definitions(Trying):
    """Lowering of definitions."""

    def stmt_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.decorated(node, lambda: self.make_function(node, self.operands(self.function_operands(node))))

    def decorated(self, node: ast.FunctionDef | ast.ClassDef, make: object) -> None:
        """Evaluate decorators, make the object, apply them from the last to the first, bind the name."""
        assert callable(make)
        decorators = [self.keep(self.expr(d)) for d in node.decorator_list]
        made: ast.expr = make()
        for number, decorator in reversed(list(enumerate(decorators))):
            self.at = node.decorator_list[number]
            made = self.suspend(t.call(t.call("$w", decorator), made))
        self.at = node
        target = t.store("$made") if hasattr(node, "kos_hidden") else self.native(t.store(node.name))
        self.emit(ast.Assign([target], made))
        self.drop(t.hidden_names(made))

    def stmt_ClassDef(self, node: ast.ClassDef) -> None:
        scope = self.scopes[node]

        def make() -> ast.expr:
            spread = [ast.Dict([None], [k.value]) if k.arg is None else k.value for k in node.keywords]
            values = self.operands([*node.bases, *[t.place(v, node) for v in spread]])
            bases = ast.Tuple(values[: len(node.bases)], ast.Load())
            keys: list[ast.expr | None] = [None if k.arg is None else t.const(k.arg) for k in node.keywords]
            keywords = ast.Dict(keys, values[len(node.bases) :])
            nothing = t.const(None)
            body = t.call("$mk", self.key(scope), t.call("$globals"), nothing, nothing, self.closure(scope))
            return self.suspend(t.call("$build_class", body, t.const(node.name), bases, keywords))

        self.decorated(node, make)

    # -- import -------------------------------------------------------------------------------------------------

    def _import(self, name: str, fromlist: tuple[str, ...] | None, level: int) -> ast.Name:
        module = t.call("$w", t.load("$import"))
        return self.suspend(t.call(module, t.const(name), t.call("$globals"), t.const(fromlist), t.const(level)))

    def _bind(self, name: str, value: ast.expr) -> None:
        self.emit(ast.Assign([self.native(t.store(name))], value))

    def stmt_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            module: ast.expr = self._import(alias.name, None, 0)
            if alias.asname is None:
                self._bind(alias.name.split(".")[0], module)
            else:
                for part in alias.name.split(".")[1:]:
                    module = t.call("$import_from", module, t.const(part))
                self._bind(alias.asname, module)
            self.drop(["$r"])

    def stmt_ImportFrom(self, node: ast.ImportFrom) -> None:
        names = tuple(alias.name for alias in node.names)
        module = self._import(node.module or "", names, node.level)
        if names == ("*",):
            space = t.call("$globals") if self.scope.kind == "module" else t.load("$ns")
            self.emit(ast.Expr(t.call("$import_star", module, space)))
        else:
            for alias in node.names:
                self._bind(alias.asname or alias.name, t.call("$import_from", module, t.const(alias.name)))
        self.drop(["$r"])

    # -- comprehensions as functions ----------------------------------------------------------------------------

    def comprehension_body(self, node: ast.AST) -> list[ast.stmt]:
        """The statements of a comprehension's function, which is given the first iterator as `.0`."""
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]  # these nodes have it
        result = t.load("$c")

        match node:
            case ast.GeneratorExp(elt=elt):
                innermost: ast.stmt = ast.Expr(ast.Yield(elt))
                start: ast.expr | None = None
            case ast.ListComp(elt=elt):
                innermost = ast.Expr(native_call(ast.Attribute(result, "append", ast.Load()), elt))
                start = ast.List([], ast.Load())
            case ast.SetComp(elt=elt):
                innermost = ast.Expr(native_call(ast.Attribute(result, "add", ast.Load()), elt))
                start = ast.Set([ast.Starred(ast.Tuple([], ast.Load()), ast.Load())])
            case ast.DictComp(key=key, value=value):
                innermost = ast.Expr(native_call(ast.Attribute(result, "__setitem__", ast.Load()), key, value))
                start = ast.Dict([], [])
            case _:
                raise AssertionError(node)
        t.place(innermost, node.elt if hasattr(node, "elt") else node.key)
        for clause in reversed(generators):
            for test in reversed(clause.ifs):
                innermost = t.place(ast.If(test, [innermost], []), test)
            source = t.load(".0") if clause is generators[0] else clause.iter
            where = clause.iter if sys.version_info >= (3, 13) else node  # whose errors the iterator's are
            innermost = t.place(ast.For(clause.target, source, [innermost], []), where)
            if clause is generators[0]:
                innermost.kos_iterator = True  # type: ignore[attr-defined]  # our own mark
        body: list[ast.stmt] = [innermost]
        if start is not None:
            body = [t.assign("$c", start), innermost, ast.Return(result)]
        return [t.place(stmt, node) for stmt in body]

    # -- class bodies -------------------------------------------------------------------------------------------

    def class_prologue(self, node: ast.ClassDef) -> None:
        """What a class body begins with."""

        def put(name: str, value: ast.expr) -> None:
            self.emit(ast.Assign([ast.Subscript(t.load("$ns"), t.const(name), ast.Store())], value))

        put("__module__", t.call("$gl", t.call("$globals"), t.const("__name__")))
        put("__qualname__", t.const(self.scope.qualname))
        if sys.version_info >= (3, 13):
            put("__firstlineno__", t.const(first_line(node)))
        if hasattr(node, "kos_hidden"):
            put("__type_params__", t.load(".type_params"))
        doc = docstring(node)
        if doc is not None:
            put("__doc__", t.const(doc))
        if "__annotations__" in self.scope.bound:
            self.emit(ast.Expr(t.call("$notes", t.load("$ns"))))

    def class_epilogue(self) -> None:
        """Say which attributes the methods set, and hand over the cell that super() looks at."""
        if sys.version_info >= (3, 13):
            names = t.const(tuple(sorted(self.scope.static_attributes)))
            self.emit(ast.Assign([ast.Subscript(t.load("$ns"), t.const("__static_attributes__"), ast.Store())], names))
        if "__class__" in self.scope.cells:
            nothing = ast.arguments([], [], None, [], [], None, [])
            made = ast.Lambda(nothing, ast.Tuple([t.load("__class__")], ast.Load()))
            cell = t.item(ast.Attribute(made, "__closure__", ast.Load()), 0)
            place = ast.Subscript(t.load("$ns"), t.const("__classcell__"), ast.Store())
            self.emit(ast.Assign([place], cell), ast.Return(t.item(t.load("$cells"), self._class_cell())))

    def _class_cell(self) -> int:
        return sorted(self.scope.cells | self.scope.free).index("__class__")
