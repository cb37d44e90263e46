"""exec and eval: guest code, since what they execute is."""

from kos.runtime import running


def exec(source, globals=None, locals=None, /, *, closure=None):
    """The built-in function."""
    run = running.prepare(source, globals, locals, "exec")
    if run.unit_id is None:
        return
    try:
        running.evaluate(run.unit_id, run.namespace)
    finally:
        run.done()


def eval(source, globals=None, locals=None, /):
    """The built-in function."""
    run = running.prepare(source, globals, locals, "eval")
    if run.unit_id is None:
        return run.result
    try:
        return running.evaluate(run.unit_id, run.namespace)
    finally:
        run.done()


def with_caller(function, caller_globals, caller_locals, source, globals=None, locals=None, /, **kwargs):
    """exec or eval, called by its name: what is not given is the caller's."""
    if globals is None:
        globals = caller_globals
        if locals is None:
            locals = caller_locals
    return function(source, globals, locals, **kwargs)
