"""PEP 695: `def f[T]`, `class C[T]` and `type X = ...`, in terms that the lowering knows. Python 3.12 and later.

There the type parameters, the annotations and a class's bases are evaluated in a function of their own, called on
the spot; a bound, the constraints, a default, and the value of an alias in functions that run when somebody asks.
Each becomes a `Block`:

    @deco                             f = deco(BLOCK(1))
    def f[T: int](a: T = 1):          BLOCK <generic parameters of f> (.0):
        ...                               T = $param("TypeVar", "T", bound=BLOCK T (): return int)
                                          .type_params = (T,)
                                          def f(a: T = .0): ...     # for the name `f` in it is the one outside
                                          return $generic(f, .type_params)

What a Block's names mean in a class body is worked out in `scope`: it sees the class's names, as nothing else does.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from kos.compiler import tree as t

_PARAMS = ".type_params"  #: CPython's own name for the tuple


def expand(tree: ast.Module) -> None:
    """Rewrite the file's generic functions and classes and its `type` statements, in place."""
    nodes = ast.walk(tree)
    if any(getattr(node, "type_params", None) or type(node).__name__ == "TypeAlias" for node in nodes):
        _Expander().visit(tree)


class _Expander(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        self.generic_visit(node)
        given: list[ast.expr] = []

        def handed(default: ast.expr) -> ast.expr:
            """A default is evaluated outside and handed in."""
            given.append(default)
            return ast.copy_location(t.load(f".{len(given) - 1}"), default)

        def make(params: list[Any]) -> list[ast.stmt]:
            args = node.args
            args.defaults = [handed(d) for d in args.defaults]
            args.kw_defaults = [None if d is None else handed(d) for d in args.kw_defaults]
            return [node, ast.Return(t.native_call("$generic", t.load("$made"), t.load(_PARAMS)))]

        return self._definition(node, make, given)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        self.generic_visit(node)

        def make(params: list[Any]) -> list[ast.stmt]:
            base = t.assign(".generic_base", t.native_call("$generic_base", t.load(_PARAMS)))
            node.bases.append(t.load(".generic_base"))
            return [base, node, ast.Return(t.load("$made"))]

        return self._definition(node, make, [])

    def _definition(
        self,
        node: Any,
        make: Callable[[list[Any]], list[ast.stmt]],
        given: list[ast.expr],
    ) -> ast.stmt:
        """The assignment that stands for a generic definition; given: the Block's arguments, once `make` was called."""
        params, node.type_params = node.type_params, []
        if not params:
            whole: ast.stmt = node
            return whole
        decorators, node.decorator_list = node.decorator_list, []
        node.kos_hidden = True  # our own mark: its name is not bound
        if decorators:
            node.kos_first_line = decorators[0].lineno
        body = [*_type_params(params), *make(params)]
        names = [f".{number}" for number in range(len(given))]
        made: ast.expr = ast.Call(_block(f"<generic parameters of {node.name}>", body, names, True), given, [])
        for decorator in reversed(decorators):
            made = ast.copy_location(ast.Call(decorator, [t.place(made, node)], []), decorator)
        return t.place(ast.Assign([t.store(node.name)], made), node)

    def visit_TypeAlias(self, node: Any) -> ast.stmt:
        self.generic_visit(node)
        name = node.name.id
        value = _block(name, [ast.Return(node.value)])
        params = t.load(_PARAMS) if node.type_params else ast.Tuple([], ast.Load())
        made: ast.expr = t.native_call("$alias", t.call("$globals"), t.const(name), params, value)
        if node.type_params:
            body = [*_type_params(node.type_params), ast.Return(made)]
            made = ast.Call(_block(f"<generic parameters of {name}>", body, is_parameters=True), [], [])
        return t.place(ast.Assign([node.name], made), node)


def _block(name: str, body: list[ast.stmt], params: list[str] | None = None, is_parameters: bool = False) -> t.Block:
    args = ast.arguments([], [ast.arg(param) for param in params or []], None, [], [], None, [])
    made = t.Block()
    made.name, made.args, made.body, made.is_parameters = name, args, body, is_parameters
    return made


def _type_params(params: list[Any]) -> list[ast.stmt]:
    """Statements that make the type parameters and bind them."""
    made: list[ast.stmt] = []
    for param in params:
        name: str = param.name
        bound, default = getattr(param, "bound", None), getattr(param, "default_value", None)
        role = "constraints" if isinstance(bound, ast.Tuple) else "bound"
        if isinstance(default, ast.Starred):
            default = t.place(t.native_call("$only", default.value), default)
        evaluators = [(role, bound), ("default", default)]
        pairs = [(t.const(role), _block(name, [ast.Return(value)])) for role, value in evaluators if value is not None]
        roles = ast.Dict([role for role, _ in pairs], [evaluate for _, evaluate in pairs])
        variable = t.native_call("$param", t.const(type(param).__name__), t.const(name), roles)
        made.append(t.place(t.assign(name, variable), param))
    names: list[ast.expr] = [t.load(param.name) for param in params]
    made.append(t.place(t.assign(_PARAMS, ast.Tuple(names, ast.Load())), params[0]))
    return made
