"""compile, and the steps of exec and eval that run no guest code of their own (`rtl/code.py`).

Code that a guest compiles becomes a unit like any file's. It runs over one dict: where a program gives a
locals mapping of its own, the two are joined for the run, and what the run has changed goes into the locals.
"""

from __future__ import annotations

import ast
import builtins
import functools
import linecache
import sys
from importlib.util import decode_source
from types import CodeType, FunctionType
from typing import Any

from kos import compiler
from kos.compiler import units
from kos.compiler.unit import Unit
from kos.runtime import builtins_, frameviews, helpers, libraries
from kos.runtime.freeze import static
from kos.runtime.functions import make_body_function, module_body
from kos.runtime.kernelcall import KernelCall
from kos.runtime.world import current


class GuestCode:
    """What compile() returns to a guest: code that exec and eval take."""

    def __init__(self, unit_id: str, mode: str, filename: str) -> None:
        self.unit_id, self.mode, self.co_filename = unit_id, mode, filename
        self.co_name = "<module>"

    def __repr__(self) -> str:
        return f'<code object {self.co_name} at {id(self):#x}, file "{self.co_filename}", line 1>'


GuestCode.__name__ = GuestCode.__qualname__ = "code"


def compile_guest(text: str, filename: str, kind: str = "guest") -> Unit:
    """A unit of the current world: its source travels with the world's snapshots."""
    unit = compiler.compile_unit(text, filename, kind=kind)
    current().units[unit.id] = None
    return unit


def _unit(source: Any, filename: str, mode: str) -> Unit:
    if isinstance(source, str):
        text = source
    elif isinstance(source, (bytes, bytearray, memoryview)):
        text = decode_source(bytes(source))
    else:
        raise TypeError(f"{mode}() arg 1 must be a string, bytes or code object")
    if "\0" in text:
        raise SyntaxError("source code string cannot contain null bytes")
    if mode == "single":
        builtins.compile(text, filename, "single", dont_inherit=True)  # finds what is more than one statement
    if mode == "eval":
        text = text.strip(" \t")
        builtins.compile(text, filename, "eval", dont_inherit=True)  # finds what is no expression
        text = f"lambda: ({text}\n)"
    try:
        return compile_guest(text, filename, mode if mode in ("eval", "single") else "guest")
    finally:
        if filename.startswith("<"):
            linecache.cache.pop(filename, None)  # CPython has no lines to show for such a name


def compile_(
    source: Any,
    filename: Any,
    mode: str,
    flags: int = 0,
    dont_inherit: bool = False,
    optimize: int = -1,
    *,
    _feature_version: int = -1,
) -> Any:
    """The built-in function."""
    if mode not in ("exec", "eval", "single"):
        raise ValueError("compile() mode must be 'exec', 'eval' or 'single'")
    if flags & ast.PyCF_ONLY_AST:
        return builtins.compile(source, filename, mode, flags, True, optimize)
    name = filename if isinstance(filename, str) else bytes(filename).decode()
    return GuestCode(_unit(source, name, mode).id, mode, name)


def define(text: str, globals_: dict[str, Any], namespace: dict[str, Any], name: str) -> None:
    """Define a function as guest code over globals that it does not become one of."""
    missing = object()
    before = globals_.get(name, missing)
    run_body(compile_guest(text, "<string>").id, globals_)
    namespace[name] = globals_.pop(name)
    if before is not missing:
        globals_[name] = before


#: Execute a unit's body over a namespace, in the frames of whoever calls.
run_body = KernelCall("exec_module", module_body)


class Run:
    """One exec or eval: a unit and the dict that it runs over."""

    def __init__(
        self,
        unit_id: str | None,
        namespace: dict[str, Any],
        locals_: Any,
        globals_: dict[str, Any] | None = None,
        result: Any = None,
        shut: dict[str, Any] | None = None,
    ) -> None:
        self.unit_id = unit_id  #: None: it was a native code object and has run already
        self.namespace = namespace
        self.shut = shut  #: the built-ins that the program allows, without the helpers that compiled code needs
        if shut is not None:
            namespace["__builtins__"] = allowed = dict(shut)
            helpers.install(allowed)
            allowed.update(builtins_.hidden)
        self.locals = locals_  #: None where the namespace is the program's own dict
        self.globals = globals_  #: where the names go that it declares global, if they are not the namespace
        self.before = None if locals_ is None else dict(namespace)
        self.result = result

    def done(self) -> None:
        """Put into separate locals what the run has bound, and take out what it has deleted."""
        namespace, before = self.namespace, self.before
        if self.shut is not None:
            namespace["__builtins__"] = self.shut
        if before is None:
            return
        for name, value in namespace.items():
            if name == "__builtins__":
                continue
            if name not in before or before[name] is not value:
                if self.unit_id is not None and name in _declared_global(self.unit_id):
                    assert self.globals is not None
                    self.globals[name] = value
                else:
                    self.locals[name] = value
        for name in before:
            if name not in namespace and name in self.locals:
                del self.locals[name]


@functools.lru_cache(64)
def _declared_global(unit_id: str) -> frozenset[str]:
    """The names that a `global` statement of the unit has, wherever it stands."""
    source = units.get(unit_id).source
    if "global" not in source:
        return frozenset()
    found = [node.names for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Global)]
    return frozenset(name for names in found for name in names)


def _evaluate(unit_id: str, namespace: dict[str, Any]) -> Any:
    if units.get(unit_id).kind != "eval":
        return module_body(unit_id, namespace)
    info = units.info(unit_id, 1)
    if info.fast is None:
        return FunctionType(info.stub, namespace)()
    return make_body_function(info, namespace, None, None, None)()


#: The value of an expression's unit, None of another, in the frames of whoever calls.
#: Not a function that is called: `$w` would keep it.
evaluate = KernelCall("eval", _evaluate)


_WRONG_NAME = {
    "exec": "{!r} is an invalid keyword argument for exec()",
    "eval": "eval() takes no keyword arguments",
}
if sys.version_info >= (3, 13):
    _WRONG_NAME = {mode: mode + "() got an unexpected keyword argument {!r}" for mode in _WRONG_NAME}


def by_name(mode: str, globals_: Any, locals_: Any, given: dict[str, Any], other: str = "") -> tuple[Any, Any]:
    """(globals, locals) of a call of exec or eval, which Python 3.13 takes by name, too.

    given: what was given by name; they are taken out of it. other: what else may be in it.
    """
    if given and sys.version_info >= (3, 13):
        for position, name, value in ((2, "globals", globals_), (3, "locals", locals_)):
            if name in given and value is not None:
                raise TypeError(f"argument for {mode}() given by name ({name!r}) and position ({position})")
        globals_, locals_ = given.pop("globals", globals_), given.pop("locals", locals_)
    for name in given:
        if name != other:
            raise TypeError(_WRONG_NAME[mode].format(name))
    return globals_, locals_


def prepare(source: Any, globals_: Any, locals_: Any, mode: str) -> Run:
    """What exec or eval is to run. A native code object (a function's `__code__`) runs natively here."""
    if globals_ is None:
        frame = frameviews.next_own(sys._getframe(1))  # called by another name, or by C code
        globals_ = sys._getframe(2).f_globals if frame is None else frame.f_globals
        if locals_ is None and frame is not None:
            locals_ = frameviews.locals_of(frame)
    elif not isinstance(globals_, dict):
        raise TypeError(f"{mode}() globals must be a dict, not {type(globals_).__name__}")
    own = globals_.setdefault("__builtins__", current().modules["builtins"])
    if isinstance(source, CodeType):
        run: Any = builtins.exec if mode == "exec" else builtins.eval
        return Run(None, globals_, None, result=run(source, globals_, locals_))
    if isinstance(source, GuestCode):
        unit_id = source.unit_id
    else:
        unit_id = _unit(source, "<string>", mode).id
    shut = own if isinstance(own, dict) and "$w" not in own else None
    if locals_ is None or locals_ is globals_:
        return Run(unit_id, globals_, None, shut=shut)
    if not hasattr(type(locals_), "__getitem__"):
        raise TypeError("locals must be a mapping")
    return Run(unit_id, _joined(globals_, locals_), locals_, globals_, shut=shut)


class Names(dict[str, Any]):
    """The names of a run whose locals are a mapping that may make a name up when it is asked."""

    def __init__(self, globals_: dict[str, Any], locals_: Any) -> None:
        super().__init__(__builtins__=globals_["__builtins__"])
        if isinstance(locals_, dict) and type(locals_).__getitem__ is dict.__getitem__:
            self.update(locals_)  # so that they can be deleted
        self.globals_, self.locals_ = globals_, locals_

    def __missing__(self, name: str) -> Any:
        if name[0] == "$":
            raise KeyError(name)  # a helper of compiled code: a built-in
        try:
            return self.locals_[name]
        except KeyError:
            return self.globals_[name]


def _joined(globals_: dict[str, Any], locals_: Any) -> dict[str, Any]:
    """One dict for what are two for the program: locals first. Compiled code has only globals and built-ins."""
    if type(locals_) is dict:
        return {**globals_, **locals_}
    return Names(globals_, locals_)


def see_locals(function: Any, globals_: dict[str, Any], seen: Any) -> Any:
    """`$dyn`: a guest's exec and eval get their caller's namespaces."""
    code = libraries.load_rtl("code")
    if function is code["exec"] or function is code["eval"]:
        return functools.partial(code["with_caller"], function, globals_, seen)
    return helpers.see_locals(function, globals_, seen)


def install() -> None:
    """Put the three functions into every guest's builtins."""
    code = libraries.load_rtl("code")
    builtins_.extra.update(exec=code["exec"], eval=code["eval"], compile=compile_)
    builtins_.hidden["$dyn"] = see_locals
    compile_.__name__ = compile_.__qualname__ = "compile"


static.register((GuestCode, run_body, Run, Names, evaluate, compile_))
