"""Classes after a fork: the order that a metaclass gave, what registering asked, a base's list of its subclasses."""

import abc
import os
import sys

log = []


class Extra:
    def extra(self):
        return "extra"


class Ordering(type):
    def mro(cls):
        log.append(cls.describe())
        os.getpid()
        order = super().mro()
        return [*order[:-1], Extra, object] if len(order) == 2 else order

    def describe(cls):
        return "order of " + cls.__name__


class First(metaclass=Ordering):
    pass


class Second(First):
    pass


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self):
        return 0

    @classmethod
    def __subclasshook__(cls, other):
        log.append(("hook", cls.__name__, other.__name__))
        os.getpid()
        return True if hasattr(other, "quack") else NotImplemented


@Shape.register
class Square:
    pass


class Asking(abc.ABCMeta):
    def __subclasscheck__(cls, other):
        log.append("subclass?")
        return super().__subclasscheck__(other)


class Asked(metaclass=Asking):
    pass


class Duck:
    def quack(self):
        pass


Asked.register(Duck)


class Plugin:
    pass


def plugin(number):
    return type(f"Plugin{number}", (Plugin,), {})


class Zebra(Plugin):
    pass


made = [plugin(n) for n in range(3)]


class Apple(Plugin):
    pass


class Both(Apple, Zebra):
    pass


plugin("only known to its base")


def show(who):
    print([cls.__name__ for cls in Plugin.__subclasses__()], [cls.__name__ for cls in Zebra.__subclasses__()])
    print(who, [cls.__name__ for cls in First.__mro__], [cls.__name__ for cls in Second.__mro__], Second().extra())
    print(isinstance(Square(), Shape), issubclass(Duck, Shape), issubclass(Duck, Asked), issubclass(int, Asked))
    sys.stdout.flush()


print(log)
log.clear()
if os.fork() == 0:
    print("nothing ran at the fork", log)
    show("child")

    class Third(First):
        pass

    print([cls.__name__ for cls in Third.__mro__], log[-1], flush=True)
    os._exit(0)
os.wait()
show("parent")
