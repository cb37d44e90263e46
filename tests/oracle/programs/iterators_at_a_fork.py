"""A half-used iterator goes on in the child and in the parent, whatever it is over and however often it is copied."""

import collections
import os
from collections import abc


class Tens(abc.Sequence):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        if i >= 4:
            raise IndexError
        return os.getpid() and i * 10


class Sorted(abc.Mapping):
    def __init__(self, inner):
        self.inner = inner

    def __getitem__(self, key):
        return self.inner[key]

    def __len__(self):
        return len(self.inner)

    def __iter__(self):
        yield from sorted(self.inner)


class Loud(list):
    def __iter__(self):
        print("iter() is called once")
        return super().__iter__()


class Items:
    def __getitem__(self, i):
        if i > 3:
            raise IndexError
        return i


def half_used(iterable):
    """Two items, a fork, and the rest in both."""
    seen = []
    for item in iterable:
        seen.append(item)
        if len(seen) == 2:
            pid = os.fork()
            if pid == 0:
                seen.append("child")
    if pid == 0:
        print(seen, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print(seen, flush=True)


def nap():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


class Plain(list):
    pass


class Words(dict):
    pass


mapping = Sorted({"b": 1, "a": 2, "c": 3})
three = {"a": 1, "b": 2, "c": 3}
ordered = collections.OrderedDict(three)
for one in (
    Plain("abc"), Loud("abc"), reversed(Plain("abc")), Words(three), reversed(Words(three)), Items(),
    memoryview(b"abc"), Tens(), reversed(Tens()), mapping, mapping.keys(), mapping.values(), mapping.items(),
    enumerate(Tens()), zip(Tens(), mapping.items(), strict=False), map(str, Tens()), collections.UserList("abcd"),
    collections.UserDict(three),
    collections.UserString("abc"), collections.ChainMap({"a": 1, "b": 3}, {"c": 2}).items(), three, three.values(),
    reversed(three.items()), collections.deque("abcd"), reversed(collections.deque("abcd")), ordered, ordered.items(),
    reversed(ordered), iter(ordered.values()), {5}.union({6, 7}),
):  # fmt: skip
    half_used(one)

for key, value in three.items():
    three["c"] = "changed meanwhile"
    nap()
    print(key, value)

for one in ({0: 0}, {0}, collections.OrderedDict({0: 0})):
    try:
        for key in one:
            nap()
            if isinstance(one, set):
                one.add(key + 1)
            else:
                one[key + 1] = 0
            nap()
    except RuntimeError as error:
        print(error)

grows = [1, 2, 3]
for item in grows:
    nap()
    if item < 3:
        grows.append(item + 5)
print(grows)


class Sequence:
    """It has a length and items, and is asked for the length when reversed() is called, never by a fork."""

    def __init__(self):
        self.items, self.asked = [1, 2, 3, 4], 0
        self.own = reversed(self)

    def __len__(self):
        self.asked += 1
        return len(self.items)

    def __getitem__(self, i):
        return i, self.items[i]


class ShortList(list):
    def __len__(self):
        return 2


sequence = Sequence()
backwards = [sequence.own, reversed(ShortList([1, 2, 3])), reversed("abc"), reversed(bytearray(b"xyz")), iter(sequence)]
print([next(one) for one in backwards], sequence.asked)
used_up = reversed(Sequence())
print(list(used_up))
for _ in range(2):
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
print([next(one) for one in backwards], sequence.own is backwards[0], sequence.asked, list(used_up), flush=True)
print([list(one) for one in backwards], flush=True)
