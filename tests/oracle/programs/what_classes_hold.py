"""The names that a class holds, in their order, and its texts: when it was made, and after a fork."""

import os
import sys
import typing

T = typing.TypeVar("T")


class Documented(typing.Generic[T]):
    """Its text.

      Indented.
    Less.
    """

    def __init__(self, me):
        """Its text.

        Indented.
        """
        self.x, (self.y, *self.z) = 1, (2, 3)
        self.counted += 1
        self.annotated: int = 3
        self.only_annotated: int
        for self.looped in ():
            pass
        self.inner.of_another = 1
        me.of_me = 1

        def inner():
            self.in_a_function = 1

            class Inner:
                self.in_a_class = 1

                def method(self):
                    self.of_the_inner = 1

            return Inner

        del self.deleted
        self.__private = inner


@(lambda cls: cls)
class Plain(Documented[int]):
    field: int = 3


Plain.later = Plain.__init__
Plain.__doc__ = "given later"


def show(who):
    print(who, repr(Documented.__doc__), repr(Documented.__init__.__doc__), repr(Plain.__doc__))
    for cls in (Documented, Plain):
        print(list(vars(cls)), getattr(cls, "__firstlineno__", 0), sorted(getattr(cls, "__static_attributes__", ())))
    sys.stdout.flush()


show("first:")
pid = os.fork()
if pid == 0:
    show("child:")
    os._exit(0)
os.waitpid(pid, 0)
show("parent:")
