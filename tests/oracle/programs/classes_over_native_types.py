"""A class over a native type: a fork copies its instances without `__new__`, `__init__`, `__reduce__` and the like."""

import array
import datetime
import decimal
import functools
import io
import os
import random
import string
import sys
import types
import weakref

log = []


def over(base, *args):
    class Over(base):
        def __new__(cls, *args):
            log.append("new")
            os.getpid()
            return super().__new__(cls, *args)

        def __init__(self, *args):
            log.append("init")
            if base.__init__ is not object.__init__:
                super().__init__(*args)

        def __setstate__(self, state):
            log.append("setstate")

        def __getstate__(self):
            log.append("getstate")

        def __reduce__(self):
            log.append("reduce")
            return Over, ()

        def __setattr__(self, name, value):
            log.append("setattr")
            object.__setattr__(self, name, value)

    one = Over(*args)
    one.extra = [base.__name__]
    return one


CASES = [
    (over(datetime.datetime, 2020, 1, 2), str),
    (over(datetime.timedelta, 3), str),
    (over(decimal.Decimal, "1.5"), lambda one: one + 1),
    (over(array.array, "i", [1, 2]), list),
    (over(functools.partial, int, "7"), lambda one: (one(), one.args)),
    (over(types.SimpleNamespace), vars),
    (over(types.ModuleType, "made"), lambda one: one.__name__),
    (over(io.StringIO, "one\ntwo\n"), lambda one: (one.readline(), one.tell() > 0)),
    (over(io.BytesIO, b"bytes"), lambda one: (one.read(2), one.getvalue())),
    (over(property, len), lambda one: one.fget),
    (over(random.Random, 5), lambda one: one.random()),
    (over(enumerate, "ab"), list),
]


class Percent(string.Template):
    """Its base's `__init_subclass__` compiles what the class says."""

    delimiter = "%"


class Module(types.ModuleType):
    @property
    def made_now(self):
        os.getpid()
        return "a property of a module"


sys.modules[__name__].__class__ = Module

with io.StringIO() as closed_text:
    closed_text.write("x")
with io.BytesIO() as closed_bytes:
    closed_bytes.write(b"x")
empty = io.StringIO.__new__(io.StringIO)
documented = types.ModuleType("documented", "its text")
exec("value = 1", vars(documented))


class Reference(weakref.ref):
    __slots__ = ("tag",)

    def __new__(cls, target, tag):
        log.append("new")
        return super().__new__(cls, target, lambda gone: print("gone", gone.tag))

    def __init__(self, target, tag):
        super().__init__(target, None)
        self.tag = tag


class Registry(weakref.WeakValueDictionary):
    pass


target = Percent("")
references = [Reference(target, "alive"), Reference(Percent("x"), "dead")]
registry = Registry(name=target)


def state_of(one):
    try:
        return one.closed
    except ValueError as error:
        return str(error)


def show(who):
    for one, use in CASES:
        print(who, type(one).__mro__[1].__name__, use(one), one.extra)
    print(Percent("%name").substitute(name=who), sys.modules[__name__].made_now, documented.__doc__)
    print([(one() is target, one.tag) for one in references], registry["name"] is target)
    print([state_of(one) for one in (closed_text, closed_bytes, empty)], flush=True)


log.clear()
if os.fork() == 0:
    print("nothing ran", log)
    show("child")
    del target
    print(len(registry), flush=True)
    os._exit(0)
os.wait()
show("parent")
