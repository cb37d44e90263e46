"""eval and exec: arguments by name, called by another name or by C code; what close() of a generator returns."""

import os


def t(name, f):
    try:
        print(name, f())
    except BaseException as e:
        print(name, type(e).__name__, e)


x = "global"


def inner():
    x = "local"  # noqa: F841  # eval reads it
    return (
        eval("x", globals=None),
        eval("x", locals={"x": 1}),
        eval("x", globals={"x": 2}),
        eval("x", globals={"x": 2}, locals={"x": 3}),
        eval("x", {"x": 4}, locals=None),
    )


t("eval", inner)
t("both", lambda: eval("x", {}, globals={}))
t("both2", lambda: exec("x", {}, {}, locals={}))
t("unknown", lambda: exec("x", foo=1))
t("unknown eval", lambda: eval("x", foo=1))
t("closure eval", lambda: eval("x", closure=1))
other = eval
t("by another name", lambda: other("x", globals={"x": 5}))
t("map", lambda: list(map(other, ["x", "1"])))


def ex():
    exec("y = x + '!'", globals=(g := {"x": "given"}))
    return g["y"]


t("exec", ex)


def g(how):
    try:
        yield 1
        yield 2
    except GeneratorExit:
        if how == "fork":
            if os.fork() == 0:
                os._exit(0)
            os.wait()
        if how == "raise":
            raise
        if how == "yield":
            yield 3
        if how == "error":
            raise KeyError(1) from None
        return how


def close(how, steps=1):
    it = g(how)
    for _ in range(steps):
        next(it, None)
    return it.close(), it.close()


for how in ("plain", "fork", "raise", "yield", "error"):
    t(how, lambda how=how: close(how))
t("not started", lambda: close("plain", 0))
t("ended", lambda: close("plain", 3))


def outer():
    r = yield from g("plain")
    print("inner ended with", r)
    return "outer"


def deleg():
    it = outer()
    next(it)
    return it.close()


t("delegated", deleg)
t("paths", lambda: (os.path.splitroot("//a/b"), os.path.isjunction("/")))
t("cpus", lambda: os.process_cpu_count() > 0)


def mapped():
    x = "mine"  # noqa: F841  # eval reads it
    z = 3  # noqa: F841  # eval reads it
    other("z")
    return list(map(eval, ["x", "z"])), other("x"), sorted([1], key=lambda n: eval("n")), list(map(exec, ["q = 1"]))


t("mapped", mapped)


class M:
    x = "class"
    y = list(map(eval, ["x"]))
    other("x")


print(M.y)
print(list(map(eval, ["x"])))
