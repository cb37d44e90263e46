"""Which expressions and statements may suspend, known from the syntax alone.

A call suspends, unless it calls a built-in of this list under a name that the file never binds, or a method
of a literal. A comprehension with a call (or a function) in it is a guest function of its own, so making it is a call.
Names bound at run time behind the compiler's back (`builtins.len = f`) still work: native code calls the
stub, and all that is lost is fork inside it.
"""

from __future__ import annotations

import ast
import sys

from kos.compiler import tree as t

NATIVE = frozenset(
    "abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter float format "
    "frozenset getattr hasattr hash hex id int isinstance issubclass len list map max memoryview min object oct ord "
    "pow property range repr reversed round set setattr delattr slice sorted str sum tuple type zip classmethod "
    "staticmethod BaseException Exception ArithmeticError AssertionError AttributeError EOFError GeneratorExit "
    "ImportError IndexError KeyError KeyboardInterrupt LookupError NameError NotImplementedError OSError "
    "OverflowError RecursionError RuntimeError StopIteration SystemExit TypeError ValueError ZeroDivisionError".split()
)
#: Consumers that run a generator expression to its end, or drop it, before they return.
CONSUMERS = frozenset("all any bytes dict frozenset list max min set sorted sum tuple".split())

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def bound_names(tree: ast.AST) -> set[str]:
    """Every name that the file binds anywhere, in whatever scope."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found.add((asname or name).split(".")[0])
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                found.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                found.update(names)
    return found


class Facts:
    """Answers about one file's syntax tree."""

    def __init__(self, tree: ast.AST) -> None:
        bound = bound_names(tree)
        self.natives = NATIVE - bound
        self.consumers = CONSUMERS - bound
        self._suspends: dict[ast.AST, bool] = {}
        self._native_comp: dict[ast.AST, bool] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and self.is_consumer(node.func) and node.args:
                # any(x > 1 for x in y): nobody else can ever hold that generator.
                node.args[0].kos_consumed = True  # type: ignore[attr-defined]  # our own mark

    def is_consumer(self, func: ast.expr) -> bool:
        """Whether a call of this runs through its first argument natively."""
        if isinstance(func, ast.Name):
            return func.id in self.consumers
        return isinstance(func, ast.Attribute) and isinstance(func.value, ast.Constant) and func.attr == "join"

    def is_native_call(self, node: ast.Call) -> bool:
        """Whether the call itself (not its arguments) is known to be of native code that calls no guest."""
        func = node.func
        if getattr(node, "kos_native", False):
            return True
        if isinstance(func, ast.Name):
            return func.id in self.natives
        return isinstance(func, ast.Attribute) and isinstance(func.value, (ast.Constant, ast.JoinedStr))

    def is_native_comprehension(self, node: ast.AST) -> bool:
        """Whether a comprehension stays as it is: nothing in it suspends, and no function closes over its variables."""
        known = self._native_comp.get(node)
        if known is None:
            known = self._native_comp[node] = self._stays_native(node)
        return known

    def _stays_native(self, node: ast.AST) -> bool:
        if isinstance(node, ast.GeneratorExp) and not getattr(node, "kos_consumed", False):
            return False
        for part in ast.walk(node):
            if isinstance(part, (ast.Lambda, ast.Yield, ast.YieldFrom)):
                return False
            if isinstance(part, ast.Call) and not self.is_native_call(part):
                return False
            if part is not node and isinstance(part, COMPREHENSIONS) and not self.is_native_comprehension(part):
                return False
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp)):
            # `[x for x in g]`, where g may be a generator that suspends.
            return all(self.is_native_iterable(part.iter) for part in node.generators)
        return True

    def is_native_iterable(self, node: ast.expr) -> bool:
        """Whether what a comprehension iterates is no guest's generator or iterator, to judge by its syntax."""
        match node:
            case ast.Constant() | ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.BinOp() | ast.JoinedStr():
                return True
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.Subscript(slice=ast.Slice()):
                return True
            case ast.Call():
                return True  # of native code: other calls have been ruled out
        return False

    def suspends(self, node: ast.AST | None) -> bool:
        """Whether executing this node, in the function it stands in, may suspend."""
        if node is None:
            return False
        known = self._suspends.get(node)
        if known is None:
            known = self._suspends[node] = self._may_suspend(node)
        return known

    def _may_suspend(self, node: ast.AST) -> bool:
        match node:
            case ast.Constant() | ast.Name():
                return False
            case ast.Call():
                if not self.is_native_call(node):
                    return True
            case ast.Yield() | ast.YieldFrom() | ast.For() | ast.While() | ast.With():
                return True
            case ast.Import() | ast.ImportFrom() | ast.ClassDef():
                return True
            case t.Block():
                return False
            case ast.Lambda():
                return any(self.suspends(e) for e in [*node.args.defaults, *node.args.kw_defaults])
            case ast.FunctionDef():
                parts = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, *annotations_of(node)]
                return bool(node.decorator_list) or any(self.suspends(e) for e in parts)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return not self.is_native_comprehension(node)
        return any(self.suspends(child) for child in ast.iter_child_nodes(node))

    def any_suspends(self, nodes: list[ast.stmt]) -> bool:
        """Whether one of some statements may suspend."""
        return any(self.suspends(node) for node in nodes)


def docstring(node: ast.FunctionDef | ast.ClassDef | ast.Module) -> str | None:
    """The text as `__doc__` has it: from Python 3.13 on without the indentation that its lines share."""
    doc = ast.get_docstring(node, clean=False)
    if doc is not None and sys.version_info >= (3, 13):
        made = t.place(ast.Module([ast.Expr(ast.Constant(doc))], []), node)
        doc = compile(made, "<kos>", "exec", dont_inherit=True, optimize=0).co_consts[0]
    return doc


def first_line(node: ast.AST) -> int:
    """Where a definition begins: with its first decorator, if it has one."""
    decorators = getattr(node, "decorator_list", None)
    line: int = getattr(decorators[0] if decorators else node, "lineno", 1)
    return getattr(node, "kos_first_line", line)


def arguments_of(args: ast.arguments) -> list[ast.arg]:
    """Every parameter, in the order in which a code object has them."""
    listed = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    if args.vararg:
        listed.append(args.vararg)
    if args.kwarg:
        listed.append(args.kwarg)
    return listed


def annotations_of(node: ast.FunctionDef) -> list[ast.expr]:
    """The annotations of a function's parameters and result, in the order of `annotated_arguments`."""
    found = [a.annotation for a in annotated_arguments(node.args) if a.annotation is not None]
    return [*found, node.returns] if node.returns is not None else found


def annotated_arguments(args: ast.arguments) -> list[ast.arg]:
    """The parameters that have annotations, in the order in which CPython evaluates those."""
    listed = [*args.args, *args.posonlyargs]
    if args.vararg:
        listed.append(args.vararg)
    listed += args.kwonlyargs
    if args.kwarg:
        listed.append(args.kwarg)
    return [arg for arg in listed if arg.annotation is not None]
