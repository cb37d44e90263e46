"""locals() and what looks at it: one dict a frame or a new one, in comprehensions, over a fork."""

import os

K = 1
print(sorted(globals())[:6])


def same():
    a = 1
    seen = locals()
    b = 2
    again = locals()
    seen["a"] = 5
    del b
    return seen is again, sorted(seen), a, sorted(locals())


def told(text):
    exec("put = 3; text = 4")
    try:
        return text, eval("put")
    except NameError as e:
        return text, str(e)


def generated(n):
    exec("q = 7")
    for i in range(n):
        try:
            yield i, eval("q"), sorted(vars())
        except NameError as e:
            yield i, str(e)


def over_a_fork():
    exec("q = 1")
    if os.fork() == 0:
        try:
            print("child", eval("q"), flush=True)
        except NameError as e:
            print(e, flush=True)
        os._exit(0)
    os.wait()
    return locals() is locals()


print(same(), told(2), list(generated(2)))
print(over_a_fork(), (lambda x: (locals() is locals(), vars()))(1))


def ask(f, *args):
    try:
        return f(*args)
    except NameError as e:
        return str(e)


def outer():
    a = 1

    def inner():
        b = 2
        seen = [sorted(locals()) for c in (1,)], [[sorted(locals()) for d in (1,)] for e in (a,)]
        return seen, [sorted(locals()) for d in (1,) for c in (2,)], sorted(locals()), b

    return inner()


def evaluated(x):
    return [eval(n) for n in ("x", "n")], {n: eval(n) for n in ("x",)}


def functions_inside():
    z = 1
    return [(lambda: sorted(locals()))() for y in (z,)], [*(sorted(locals()) for w in (1,))]


def unbound():
    seen = [sorted(locals()) for i in (1,)]
    later = 2
    return seen, later


def forked():
    here = 1

    def uses():
        return here

    seen = [(os.fork() or os._exit(uses()), os.wait() and 0, eval("here")) for i in range(2)]
    return [rest for _, *rest in seen], sorted(locals())


for f in (outer, functions_inside, unbound, forked):
    print(f.__name__, ask(f))
print(ask(evaluated, 3))


class C:
    a = 1
    b = [sorted(locals()) for _q in (1,)]
    c = [[sorted(locals()) for _q in (1,)] for _r in (1,)]
    d = [sorted(dir()) for _ in (1,)]


print(C.b, C.c, C.d)
print([[("K" in locals(), "_z" in locals()) for _z in (1,)] for _q in (1,)], [eval("_q") for _q in (1,)])
