"""Type parameters and aliases at a fork: what was worked out is not asked again, the rest in each process."""

import os
import sys


def noisy(x):
    print("worked out", x, flush=True)
    return x


type Num = noisy(int)
type Tree[T] = T | list[Tree[T]]


def f[T: noisy(str), *Ts, **P](x: T) -> T:
    def inner(y):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            print(
                "child",
                T,
                T.__bound__,
                f.__type_params__[0] is T,
                f.__type_params__,
                inner.__type_params__,
                y,
                flush=True,
            )
            os._exit(0)
        os.waitpid(pid, 0)
        print("parent", T.__bound__)
        return y

    return inner(x)


class Box[T]:
    type Self = Box[T]

    def go[U: T](self):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            print(
                U.__bound__,
                U.__bound__ is Box.__type_params__[0],
                Box.__orig_bases__,
                Box[int],
                Box.Self.__value__,
                Num,
                flush=True,
            )
            print(Tree[int], Tree.__value__, Num.__value__, Num.__module__, Num.__value__, flush=True)
            os._exit(0)
        os.waitpid(pid, 0)


f("x")
Box().go()
print(Num.__value__)
Box().go()


class C:
    X = 3
    pid = os.fork()
    if pid == 0:
        Y = 4
        type A = (X, Y)

        def m[T: X](self):
            return T.__bound__

        print("in the class", A.__value__, m(0), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    type A = X


print(C.A.__value__)


def fork():
    pid = os.fork()
    if pid == 0:
        return "child"
    os.waitpid(pid, 0)
    return "parent"


type F = fork()


class K[T](fork() and dict):
    print("body", T)
    X = fork()

    def m[U](self, a: fork() = fork()):  # noqa: B008  # it is a fork
        print(a, self.m.__annotations__, flush=True)


K().m()
