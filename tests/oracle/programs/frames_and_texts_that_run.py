"""What sys._getframe, walk_stack and captured locals show; exec over mappings; code compiled for a prompt."""

import collections
import enum
import sys
import traceback


def deep(n):
    if n:
        return deep(n - 1)
    frame = sys._getframe(1)
    return frame.f_back.f_code.co_name, frame.f_back.f_back.f_back, frame.f_back.f_back.f_globals is globals()


def outward():
    return sys._getframe(1).f_code.co_name


print(deep(2), sorted([2, 1], key=lambda x: len(outward()) + x))


def looks():
    x = 5
    y = x + 1

    def inner():
        return x

    print(sorted(sys._getframe().f_locals), sys._getframe().f_code is looks.__code__, inner(), y)
    print([f.f_code.co_name for f, _ in traceback.walk_stack(sys._getframe())])
    print(traceback.StackSummary.extract(traceback.walk_stack(None), capture_locals=True)[0].locals["x"])


looks()
print([name for name in sys._getframe().f_locals if name in ("looks", "deep")])
try:
    sys._getframe(100)
except ValueError as error:
    print(error)
    print([f.f_code.co_name for f, _ in traceback.walk_tb(error.__traceback__)])
    sys.tracebacklimit = 0
    print(traceback.format_exc())
    del sys.tracebacklimit

exec(compile("1 + 1; None\nfor i in range(2): i * 2\n", "<prompt>", "exec"))
exec(compile("1 + 1; None; 'text'\n", "<prompt>", "single"))
exec(compile("for i in range(2): i * 2\n", "<prompt>", "single"))
try:
    compile("a = 1\nb = 2\n", "<prompt>", "single")
except SyntaxError as error:
    print(error)


class Asks:
    def __getitem__(self, name):
        if name == "a":
            return 12
        raise KeyError(name)


print(eval("a", {}, Asks()), eval("a + b", {"b": 3}, collections.defaultdict(lambda: 10)))
print(eval("x + y", {}, collections.ChainMap({"x": 1}, {"y": 2})))
own = collections.UserDict(k=1)
exec("k += 1\nnew = k * 2", {}, own)
outer, inner = {}, {}
exec("global a; a = 1; b = 2", outer, inner)
print(own, outer["a"], inner)

Pair = collections.namedtuple("Pair", "x y")
X_A = 1
print(Pair.__module__, list(enum.IntEnum._convert_("Converted", __name__, lambda name: name.startswith("X_"))))
exec("class X:\n    __class__\n    def f(): __class__", {"__name__": "m", "__class__": 1})


def all_of(*args: *tuple[int, ...]):
    (no_such_name): int
    return no_such_name  # noqa: F821  # an annotation in parentheses binds nothing


print(all_of.__annotations__, isinstance(memoryview(b""), collections.abc.Sequence))
try:
    all_of()
except NameError as error:
    print(type(error).__name__, error)
print(b"\\N{DIGIT ONE}".decode("unicode-escape"), "\xe9".encode("ascii", "namereplace"))
