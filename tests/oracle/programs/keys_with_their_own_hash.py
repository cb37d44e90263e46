"""Keys whose class has a `__hash__` and `__eq__` of its own stand in dicts and sets after a fork, and none is asked."""

import os
import sys
import weakref

SALT = 1000
asked = []


class Key:
    def __init__(self, value):
        self.value = value
        self.parts = [value]

    def __hash__(self):
        asked.append(("hash", self.value))
        os.getpid()
        return hash((SALT, tuple(self.parts)))

    def __eq__(self, other):
        asked.append(("eq", self.value))
        os.getpid()
        return isinstance(other, Key) and self.parts == other.parts


class Same:
    """Asks nothing of the system, and all are alike to a dict."""

    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return SALT

    def __eq__(self, other):
        return self.value == other.value


class Text(str):
    def __hash__(self):
        asked.append(str(self))
        return len(self)

    __eq__ = str.__eq__


class Row(list):
    def __hash__(self):
        return hash(tuple(self)) + SALT


class Meta(type):
    def __hash__(cls):
        asked.append(cls.__name__)
        return 5


class One(metaclass=Meta):
    pass


class Comparing(type):
    def __eq__(cls, other):
        asked.append("eq of a class")
        return cls is other

    __hash__ = type.__hash__


class Compared(metaclass=Comparing):
    pass


class Later:
    """Its instance is a key before it has a `__hash__`."""


early = {Later(): "early"}
Later.__hash__ = lambda self: 3


class Failed(Exception):
    def __hash__(self):
        asked.append("error")
        return hash(self.args) + SALT


class Loud(Key):
    def __hash__(self):
        return super().__hash__() + 1


def show(who):
    found = [table[Key(2)], (Key(1), "x") in pairs, Key(3) in members, Key(3) in frozen, table.get(Key(9))]
    print(who, found, len(members), same[Same("b")], texts[Text("two")], rows[Row([1, 2])], kinds[One])
    print(failed[error], Loud(4) in loud, weak[kept], nested[frozenset([Key(7)])], len(asked))
    print(compared[Compared], list(early.values()))
    sys.stdout.flush()


table = {Key(n): n * 10 for n in range(4)}
pairs = {(Key(1), "x"), (Key(2), "y")}
members = {Key(3), Key(3), Key(4)}
frozen = frozenset(members)
same = {Same(name): name * 2 for name in "abc"}
texts = {Text("one"): 1, Text("two"): 2}
rows = {Row([1, 2]): "row"}
kinds = {One: "one"}
error = Failed("why")
failed = {error: "failed"}
loud = {Loud(4)}
compared = {Compared: "compared", int: "a type"}
kept = Key(5)
weak = weakref.WeakKeyDictionary({kept: "weak"})
nested = {frozenset([Key(7)]): "nested"}
lost = Key(6)
changed = {lost: "there"}
lost.parts.append(1)


def in_a_function():
    local = {Key(8): "local"}
    before = len(asked)
    if os.fork() == 0:
        print("nobody was asked", len(asked) - before, local[Key(8)], list(changed), lost in changed, flush=True)
        os._exit(0)
    os.wait()
    return local[Key(8)]


Key.__repr__ = lambda self: f"Key({self.value})"
print(in_a_function())
show("first")
if os.fork() == 0:
    show("child")
    table[Key(2)] = "changed"
    del same[Same("a")]
    members.add(Key(30))
    print(table, [one.value for one in same], Key(30) in members, flush=True)
    os._exit(0)
os.wait()
show("parent")
