"""A class body's global that its methods do not mean; eval without built-ins; what except* leaves on an exception."""

import builtins
import os

x = 0


def outer(x):
    class Counted:
        global x
        before = x
        os.getpid()
        x = before + 1
        after = x

        def __call__(self, y):
            return os.getpid() > 0 and x + y

    return Counted()


counted = outer(6)
print(counted(2), x, counted.before, counted.after)

print(eval("a * b + sum", {"__builtins__": {}}, {"a": 2, "b": 3, "sum": 4}))
for text in ("len('abc')", "[i * 2 for i in (1, 2)]", "open('/etc/passwd')"):
    try:
        print(eval(text, {"__builtins__": {}}))
    except NameError as error:
        print(error)
namespace = {"__builtins__": {"len": len}}
exec("lengths = [len(s) for s in ('a', 'bc')]", namespace)
print(namespace["lengths"], list(namespace["__builtins__"]))

original = ExceptionGroup("all", [TypeError(1), ValueError(2)])
try:
    try:
        raise original
    except* (TypeError, ValueError):
        os.getpid()
        raise SyntaxError(3) from None
except SyntaxError as error:
    print(repr(error), error.__context__ is original, original.__context__)
part = ExceptionGroup("part", [TypeError(1), ValueError(2)])
try:
    try:
        raise part
    except* ValueError as group:
        raise KeyError(os.getpid() > 0) from group
except ExceptionGroup as error:
    first = error.exceptions[0]
    print(repr(error), repr(first.__cause__), repr(first.__context__), first.__context__.__context__)


class Managed:
    def __getattribute__(self, name):
        raise AssertionError("a with statement asks the type")

    def __enter__(self):
        return os.getpid() > 0

    def __exit__(self, *args):
        return os.getpid() > 0


with Managed() as entered:
    print(entered)
    raise KeyError("swallowed")
print(sum(1 for value in vars(builtins).values() if isinstance(value, type) and issubclass(value, LookupError)))
