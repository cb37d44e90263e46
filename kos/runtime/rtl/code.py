"""exec and eval: guest code, since what they execute is."""

from kos.runtime import running


def exec(source, globals=None, locals=None, /, *, closure=None, **by_name):
    """The built-in function."""
    globals, locals = running.by_name("exec", globals, locals, by_name)
    run = running.prepare(source, globals, locals, "exec")
    if run.unit_id is None:
        return
    try:
        running.evaluate(run.unit_id, run.namespace)
    finally:
        run.done()


def eval(source, globals=None, locals=None, /, **by_name):
    """The built-in function."""
    globals, locals = running.by_name("eval", globals, locals, by_name)
    run = running.prepare(source, globals, locals, "eval")
    if run.unit_id is None:
        return run.result
    try:
        return running.evaluate(run.unit_id, run.namespace)
    finally:
        run.done()


def with_caller(function, caller_globals, caller_locals, source, globals=None, locals=None, /, **by_name):
    """exec or eval, called by its name: what is not given is the caller's."""
    globals, locals = running.by_name(function.__name__, globals, locals, by_name, "closure")
    if globals is None:
        globals = caller_globals
        if locals is None:
            locals = caller_locals
    return function(source, globals, locals, **by_name)
