"""fork in __init_subclass__, __set_name__, __post_init__, default factories, Generic[T](...), and while unpacking."""

import abc
import dataclasses
import os
import traceback
import typing


def fork(status=0):
    pid = os.fork()
    if pid == 0:
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Base:
    known: typing.ClassVar = []

    def __init_subclass__(cls, /, n=1, **rest):
        print("before", cls.__name__, rest)
        super().__init_subclass__(**rest)
        cls.known.append((cls.__name__, fork(n), hasattr(cls, "field") and cls.field.name))


class Mixin:
    def __init_subclass__(cls, **rest):
        print("mixin", cls.__name__, fork(2), rest)
        super().__init_subclass__(**rest)


class Field:
    def __set_name__(self, owner, name):
        self.name = name
        print("set", owner.__name__, name, fork(len(name)))


class First(Base, n=3):
    a = 1
    field = Field()
    b = 2

    def method(self):
        return __class__.__name__, super().known is Base.known


class Second(Mixin, First, n=4):
    pass


class Third(abc.ABC, Base):
    x = Field()


print(First().method(), [name for name in First.__dict__ if len(name) < 7], Base.known)


class Bad:
    def __set_name__(self, owner, name):
        fork()
        raise ValueError("bad")


try:

    class Owner:
        value = Bad()
except Exception as error:
    print(type(error).__name__, error, repr(error.__cause__), getattr(error, "__notes__", None))
try:

    class Fourth(First, unknown=3):
        pass
except TypeError as error:
    print(error)


class Early:
    def __init_subclass__(cls):
        cls.got = cls.field.name


class Named:
    def __set_name__(self, owner, name):
        self.name = name


class Later(Early):
    field = Named()


print(Later.got)


@dataclasses.dataclass
class Point:
    x: int
    y: int = 3
    z: list = dataclasses.field(default_factory=lambda: [fork(5)])
    w: dataclasses.InitVar[int] = 9

    def __post_init__(self, w):
        self.v = fork(self.x + self.y) + w


@dataclasses.dataclass
class Named3(Point):
    name: str = "p"

    def __post_init__(self, w):
        super().__post_init__(w)
        self.v += 1


@dataclasses.dataclass(frozen=True, order=True)
class Frozen:
    a: int

    def __post_init__(self):
        object.__setattr__(self, "b", fork(self.a))


print(Point(2), Point(2).v, Point(2) == Point(2, w=3), Named3(1), Named3(1).v)
print(Frozen(3).b, Frozen(1) < Frozen(2), hash(Frozen(1)) == hash(Frozen(1)))
for args in ((), (1, 2, 3, 4, 5)):
    try:
        Point(*args)
    except TypeError as error:
        print(error)

T = typing.TypeVar("T")


class Box(typing.Generic[T]):
    def __init__(self, value):
        self.value = fork(value)


class Items(list):
    def __init__(self, *args):
        fork()
        super().__init__(*args)


box = Box[int](3)
print(box.value, box.__orig_class__, Items[int]([1, 2]), list[int]([3]))


def numbers():
    yield fork(1)
    yield fork(2)
    yield fork(3)


a, b, c = numbers()
d, *e = numbers()
print(a, b, c, d, e, *numbers(), [*numbers(), 0], {*numbers()})
try:
    a, b = numbers()
except ValueError as error:
    print(error)
try:
    a, b, c, d = numbers()
except ValueError as error:
    print(error)

print(eval("fork(2) + 1"))
try:
    eval("fork(1) / 0", {"fork": fork})
except ZeroDivisionError as error:
    print([entry.name for entry in traceback.extract_tb(error.__traceback__)])
