"""A class that was registered with an abstract class of the library stays it in a fork's child, for match, too."""

import collections.abc
import numbers
import os
import sys


class Map:
    pass


class Child(Map):
    pass


@collections.abc.Sequence.register
class Pair:
    def __len__(self):
        return 2

    def __getitem__(self, i):
        return [10, 20][i]


class Number:
    pass


collections.abc.Mapping.register(Map)
numbers.Number.register(Number)


def kind(one):
    match one:
        case [a, b]:
            return "sequence", a, b
        case {}:
            return "mapping"
    return "neither"


def show(who):
    print(who, kind(Pair()), kind(Child()), kind(Number()), isinstance(Number(), numbers.Number))
    print(isinstance(Child(), collections.abc.Mapping), issubclass(Pair, collections.abc.Sequence))
    sys.stdout.flush()


show("first")
if os.fork() == 0:
    show("child")
    os._exit(0)
os.wait()
show("parent")
