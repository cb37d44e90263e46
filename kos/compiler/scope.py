"""Whose name is it: scopes, closures and private names of one file.

Python's own rules, worked out here because the compiled form is another program than the source: a comprehension
becomes a function or stays native, a class body becomes a function over a namespace, and the cells that closures
share must be known by name to be captured.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field

from kos.compiler import tree as t
from kos.compiler.facts import Facts, annotations_of, arguments_of

#: Calls by these names see the locals of their caller.
SEE_LOCALS = frozenset({"locals", "vars", "dir", "eval", "exec"})


@dataclass(eq=False)
class Scope:
    """One block of the source: a module, class, function, lambda or comprehension."""

    kind: str  #: module, class, function, comp (a comprehension as a function), native (one that stays as it is)
    node: ast.AST
    parent: Scope | None
    name: str
    qualname: str
    index: int = -1  #: number of the function in its unit; -1: a native comprehension
    private: str | None = None  #: the class whose private names are mangled here
    params: list[str] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)
    met: dict[str, None] = field(default_factory=dict)  #: names in the order in which CPython compiles them
    used: set[str] = field(default_factory=set)
    global_names: set[str] = field(default_factory=set)
    nonlocal_names: set[str] = field(default_factory=set)
    children: list[Scope] = field(default_factory=list)
    is_generator: bool = False
    static_attributes: set[str] = field(default_factory=set)  #: a class's `self.NAME = ...`, as Python 3.13 lists them
    sees_locals: bool = False  #: a comprehension whose locals() are those of the scope around it, too
    borrowed: set[str] = field(default_factory=set)  #: names that it closes over for that reason alone
    seen_class: Scope | None = None  #: the class whose namespace is searched first, although this is a function
    # Worked out by resolve():
    local: set[str] = field(default_factory=set)
    cells: set[str] = field(default_factory=set)  #: locals that a guest function closes over
    free: set[str] = field(default_factory=set)  #: names that come in through the closure
    shared: set[str] = field(default_factory=set)  #: the cells that CPython has too: not those that are lent

    def mangle(self, name: str) -> str:
        """A name as the compiler of CPython spells it: __private ones get their class's name."""
        if self.private is None or not name.startswith("__") or name.endswith("__") or "." in name:
            return name
        owner = self.private.lstrip("_")
        return f"_{owner}{name}" if owner else name

    @property
    def global_for_itself(self) -> set[str]:
        """Names that a class body declares global, while its methods mean those of a function around it."""
        return self.global_names & (self.free | self.cells) if self.kind == "class" else set()

    def names_in_order(self) -> tuple[str, ...]:
        """The function's variables in the order of CPython's frames, which locals() shows."""
        own = dict.fromkeys(self.params) | {name: None for name in self.met if name in self.local}
        if self.kind == "comp" and not self.is_generator and sys.version_info >= (3, 12):
            del own[".0"]
        cells = self.shared - set(self.params)
        names = (*(name for name in own if name not in cells), *sorted(cells), *sorted(self.free - self.borrowed))
        if self.sees_locals and self.parent is not None and self.parent.kind in ("function", "comp"):
            return (*self.parent.names_in_order(), *names)
        return names


class ScopeBuilder(ast.NodeVisitor):
    """Builds the tree of scopes and resolves every name in it."""

    def __init__(self, tree: ast.Module, facts: Facts) -> None:
        self.facts = facts
        self.scopes: dict[ast.AST, Scope] = {}  #: by the node that opens it
        self.functions: list[Scope] = []  #: those that become functions, in order
        self.here = self._open("module", tree, None, "<module>", "<module>")
        for stmt in tree.body:
            self.visit(stmt)
        resolve(self.here, frozenset())

    def _open(self, kind: str, node: ast.AST, parent: Scope | None, name: str, qualname: str) -> Scope:
        scope = Scope(kind, node, parent, name, qualname, private=parent.private if parent else None)
        if parent is not None:
            parent.children.append(scope)
        if kind != "native":
            scope.index = len(self.functions)
            self.functions.append(scope)
        self.scopes[node] = scope
        return scope

    def _qualname(self, name: str) -> str:
        here: Scope = self.here
        while here.kind == "native" or getattr(here.node, "is_parameters", False):
            assert here.parent is not None
            here = here.parent
        if here.kind == "module" or name in here.global_names:
            return name
        if here.kind == "class":
            return f"{here.qualname}.{name}"
        return f"{here.qualname}.<locals>.{name}"

    def _bind(self, name: str) -> None:
        name = self.here.mangle(name)
        self.here.bound.add(name)
        self.here.met[name] = None

    def _all(self, nodes: list[ast.expr] | list[ast.stmt] | list[ast.expr | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    # -- scopes -------------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._all(node.decorator_list)
        if not hasattr(node, "kos_hidden"):
            self._bind(node.name)
        self._all([*node.args.defaults, *node.args.kw_defaults])
        self._all(annotations_of(node))
        self._function(node, node.name, node.args, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._all([*node.args.defaults, *node.args.kw_defaults])
        self._function(node, "<lambda>", node.args, [node.body])

    def visit_Block(self, node: t.Block) -> None:
        """A function of type parameters, or of a value that somebody may ask for; in a class body it sees the class."""
        self._function(node, node.name, node.args, node.body)

    def _function(self, node: ast.AST, name: str, args: ast.arguments, body: list[ast.stmt] | list[ast.expr]) -> None:
        outer = self.here
        self.here = scope = self._open("function", node, outer, name, self._qualname(name))
        scope.params = [scope.mangle(a.arg) for a in arguments_of(args)]
        scope.bound.update(scope.params)
        if isinstance(node, t.Block):
            scope.seen_class = outer if outer.kind == "class" else outer.seen_class
            if scope.seen_class is not None:
                scope.used.add("$ns")
        self._all(body)
        self.here = outer

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._all(node.decorator_list)
        self._all(node.bases)
        self._all([k.value for k in node.keywords])
        if not hasattr(node, "kos_hidden"):
            self._bind(node.name)
        outer = self.here
        self.here = scope = self._open("class", node, outer, node.name, self._qualname(node.name))
        scope.private = node.name
        scope.params = ["$ns"]
        if hasattr(node, "kos_hidden"):
            scope.used.add(".type_params")
        self._all(node.body)
        self.here = outer

    def _comprehension(self, node: ast.AST, name: str, elements: list[ast.expr]) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]  # these nodes have it
        self.visit(generators[0].iter)
        outer = self.here
        native = outer.kind == "native" or self.facts.is_native_comprehension(node)
        self.here = scope = self._open("native" if native else "comp", node, outer, name, self._qualname(name))
        if not native:
            scope.params = [".0"]
            scope.bound.add(".0")
            scope.is_generator = isinstance(node, ast.GeneratorExp)
        for number, clause in enumerate(generators):
            if number:
                self.visit(clause.iter)
            self.visit(clause.target)
            self._all(clause.ifs)
        self._all(elements)
        self.here = outer

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node, "<listcomp>", [node.elt])

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node, "<setcomp>", [node.elt])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node, "<genexpr>", [node.elt])

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node, "<dictcomp>", [node.key, node.value])

    def visit_Call(self, node: ast.Call) -> None:
        """PEP 709: from Python 3.12 on a comprehension's locals() are in one frame with those around it."""
        if sys.version_info >= (3, 12) and isinstance(node.func, ast.Name) and node.func.id in SEE_LOCALS:
            here = self.here
            while here.kind == "comp" and not here.is_generator and not here.sees_locals:
                assert here.parent is not None
                here.sees_locals, here = True, here.parent
        self.generic_visit(node)

    # -- names --------------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        name = self.here.mangle(node.id)
        self.here.met[name] = None
        if isinstance(node.ctx, ast.Load):
            self.here.used.add(name)
            if node.id == "super" and self.here.kind not in ("module", "class"):
                self.here.used.add("__class__")
        else:
            self.here.bound.add(name)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self":
            owner = self.here.parent
            while owner is not None and owner.kind != "class":
                owner = owner.parent
            if owner is not None:
                owner.static_attributes.add(node.attr)
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.target.value if isinstance(node.target, ast.Attribute) else node.target)
        self.visit(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        """A walrus binds in the function around its comprehensions."""
        self.visit(node.value)
        name = self.here.mangle(node.target.id)
        owner, inner = self.here, []
        while owner.kind in ("comp", "native"):
            inner.append(owner)
            assert owner.parent is not None
            owner = owner.parent
        owner.bound.add(name)
        owner.met[name] = None
        for scope in inner:
            scope.used.add(name)
            if owner.kind == "module" or name in owner.global_names:
                scope.bound.add(name)
                scope.global_names.add(name)
            elif scope.kind == "comp":
                scope.nonlocal_names.add(name)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        self._all(node.targets)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self.visit(node.target)
        self._all([*node.body, *node.orelse])

    def visit_Global(self, node: ast.Global) -> None:
        self.here.global_names.update(map(self.here.mangle, node.names))

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.here.nonlocal_names.update(map(self.here.mangle, node.names))

    def visit_alias(self, node: ast.alias) -> None:
        if node.name != "*":
            self._bind(node.asname or node.name.split(".")[0])

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self._bind(node.rest)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if self.here.kind in ("module", "class"):
            self.here.bound.add("__annotations__")
        if node.value is not None:
            self.visit(node.value)
        if node.value is None and isinstance(node.target, ast.Attribute):
            self.visit(node.target.value)
        elif node.simple or node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)
        self.visit(node.annotation)

    def visit_Yield(self, node: ast.Yield) -> None:
        self.here.is_generator = True
        self.generic_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self.here.is_generator = True
        self.generic_visit(node)


def resolve(scope: Scope, above: frozenset[str]) -> set[str]:
    """Work out local, cells and free of a scope and all in it; returns the names that it needs from outside.

    above: names that the functions around it bind.
    """
    scope.local = scope.bound - scope.global_names - scope.nonlocal_names
    if scope.kind == "module":
        below: frozenset[str] = frozenset()
    elif scope.kind == "class":
        below = above | {"__class__", "$ns"}
    else:
        below = (above | scope.local) - scope.global_names
    owns = {"__class__", "$ns"} if scope.kind == "class" else set() if scope.kind == "module" else scope.local
    for name in scope.used | scope.nonlocal_names:
        if name not in scope.local and name not in scope.global_names and name in above:
            scope.free.add(name)
    for child in scope.children:
        if child.sees_locals:
            lend(scope, child)
        for name in resolve(child, below):
            if name not in owns:
                if name in child.borrowed and name not in scope.free:
                    scope.borrowed.add(name)
                scope.free.add(name)
            elif child.kind != "native":
                scope.cells.add(name)
                if name not in child.borrowed:
                    scope.shared.add(name)
    return scope.free


def lend(scope: Scope, child: Scope) -> None:
    """Let a comprehension close over what locals() shows of the scope around it."""
    if scope.kind in ("function", "comp"):
        child.borrowed = {name for name in scope.local | scope.free if name[0] != "."} - child.used - child.bound
        child.used |= child.borrowed
    if (scope.kind == "class" and sys.version_info < (3, 13)) or (scope.kind == "comp" and "$ns" in scope.used):
        child.used.add("$ns")
