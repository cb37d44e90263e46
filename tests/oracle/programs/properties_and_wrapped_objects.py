"""Errors of properties name them after a fork; static methods and partial() of objects that have every attribute."""

import functools
import os
import sys


class Any:
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args):
        return len(args)


anything = Any()


class Held:
    static = staticmethod(anything)
    bound = classmethod(anything)
    part = functools.partial(anything.method, 1)

    def __init__(self):
        self._value = 3

    @property
    def value(self):
        return self._value

    @property
    def other(self):
        return self._value

    alias = other

    class Inner:
        only = property(None, lambda self, value: None)


def show(one):
    for act in (lambda: setattr(one, "value", 1), lambda: delattr(one, "other"), lambda: Held.Inner().only):
        try:
            act()
        except AttributeError as error:
            print(error)
    print(one.value, Held.static(1, 2), Held.bound(1), one.part(2), Held.part.func is anything)
    sys.stdout.flush()


held = Held()
show(held)
if os.fork() == 0:
    show(held)
    os._exit(0)
os.wait()
show(held)
