"""What code objects say, also after a fork; exceptions that finalizers raise; what except* leaves behind."""

import os
import sys
import traceback
import types


def function(a, b=2, *args, k=3, **kw):
    x = a + 1
    os.getpid()

    def inner():
        return x

    y = "const"
    return inner, y, 3.5


def generator():
    yield 1


def show(c):
    print(c.co_name, c.co_nlocals, c.co_varnames, c.co_cellvars, c.co_names, c.co_flags)
    print([x for x in c.co_consts if not hasattr(x, "co_name")], c.co_flags & 0x20)


held = function.__code__
for one in (held, generator.__code__, show.__code__, (lambda q: q).__code__):
    show(one)
sys.stdout.flush()
if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
print(held is function.__code__, generator().gi_code is generator.__code__, held.co_nlocals)
again = types.FunctionType(show.__code__, globals(), "again")
again(held)


class Fails:
    def __del__(self):
        raise ValueError("in del")


def fails():
    try:
        yield
    finally:
        raise KeyError("in generator")


sys.unraisablehook = lambda u: print(
    "hook", repr(u.exc_value), u.err_msg, u.object.__qualname__, u.exc_traceback is None
)
Fails()
started = fails()
next(started)
del started
sys.unraisablehook = sys.__unraisablehook__


def leaves(kind):
    try:
        raise ExceptionGroup("eg", [ValueError(1), KeyError("k")])
    except* ValueError:
        if kind:
            raise OSError(2, "nf") from None


for kind in range(2):
    try:
        leaves(kind)
    except ExceptionGroup as error:
        print("".join(traceback.format_exception(error)).replace(__file__, "F"), error.__context__)
