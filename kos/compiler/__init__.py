"""Guest source to resumable code. `compile_unit` is the door; `unit.py` says what comes out."""

from __future__ import annotations

import ast
import hashlib
import sys

from kos.compiler import cache, generics, units
from kos.compiler.emit import Emitter
from kos.compiler.facts import Facts
from kos.compiler.refuse import Refused, check
from kos.compiler.scope import ScopeBuilder
from kos.compiler.unit import CodeInfo, Unit

#: Changes whenever the compiled form does: cached code of another version is not used.
VERSION = cache.source_version()

__all__ = ["CodeInfo", "Refused", "Unit", "compile_unit", "unit_id"]


def unit_id(source: str, filename: str, kind: str = "guest") -> str:
    """The id that a source's unit has or would have."""
    parts = (sys.version, VERSION, kind, filename, source)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def compile_unit(source: str, filename: str, *, kind: str = "guest") -> Unit:
    """Compile a source file and register its unit on this CPU.

    SyntaxError as Python's own; Refused (a SyntaxError) for what cannot be a guest.
    """
    key = unit_id(source, filename, kind)
    known = units.find(key)
    if known is not None:
        return known
    functions = cache.read(key)
    if functions is None:
        functions = _compile(source, filename, key, kind)
        cache.write(key, functions)
    return units.register(Unit(key, filename, source, kind, functions))


def _compile(source: str, filename: str, key: str, kind: str) -> list[CodeInfo]:
    # Python's own compiler first: it finds every error that the parser alone lets pass.
    compile(source, filename, "exec", dont_inherit=True)
    tree = ast.parse(source, filename)
    check(tree, filename, source)
    generics.expand(tree)
    facts = Facts(tree)
    scopes = ScopeBuilder(tree, facts)
    emitter = Emitter(facts, scopes.scopes, key, filename)
    emitter.entry_safepoints = kind != "rtl"
    emitter.is_expression = kind == "eval"
    emitter.displays = kind == "single"
    emitter.string_annotations = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
        for node in tree.body
    )
    return [emitter.function(scope) for scope in scopes.functions]
