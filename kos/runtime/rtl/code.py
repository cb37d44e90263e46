"""exec and eval: guest code, since what they execute is."""

from kos.runtime import running
from kos.runtime.importer import run_body


def exec(source, globals=None, locals=None, /, *, closure=None):
    """The built-in function."""
    unit_id, namespace, before = running.prepare(source, globals, locals, "exec")
    if unit_id is None:
        return
    try:
        run_body(unit_id, namespace)
    finally:
        if before is not None:
            running.give_back(namespace, before, locals)


def eval(source, globals=None, locals=None, /):
    """The built-in function."""
    unit_id, namespace, before = running.prepare(source, globals, locals, "eval")
    if unit_id is None:
        return namespace
    try:
        return running.expression(unit_id, namespace)()
    finally:
        if before is not None:
            running.give_back(namespace, before, locals)


def with_caller(function, caller_globals, caller_locals, source, globals=None, locals=None, /, **kwargs):
    """exec or eval, called by its name: what is not given is the caller's."""
    if globals is None:
        globals = caller_globals
        if locals is None:
            locals = caller_locals
    return function(source, globals, locals, **kwargs)
