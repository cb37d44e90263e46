"""Generic functions and classes, and `type` statements: what they make, what is evaluated when, what they see."""

import collections.abc
import typing


def deco(tag):
    print("deco", tag)

    def apply(f):
        print("apply", tag, f.__name__, f.__qualname__, f.__type_params__, f.__defaults__, f.__kwdefaults__)
        return f

    return apply


def value(x):
    print("value", x)
    return x


@deco("a")
@deco("b")
def first[T: int, *Ts, **P](items: list[T], one: T = value(1), *, two: "T" = value(2)) -> T:  # noqa: B008  # it is shown when
    """First."""
    return items[0] if items else one


print(
    first([5]),
    first([]),
    first.__annotations__["items"],
    first.__doc__,
    first.__code__.co_firstlineno,
    first.__module__,
)
T, Ts, P = first.__type_params__
print(T, Ts, P, T.__bound__, T.__constraints__, T.__infer_variance__, T.__covariant__, T.__module__, type(P).__name__)


def lazy():
    print("asked")
    return str


def g[A: lazy(), B: (int, lazy()), C: A]():
    return A, B, C


A, B, C = g()
print("made")
print(A.__bound__, A.__bound__, B.__constraints__, B.__bound__, C.__bound__ is A)


class Box[T]:
    """A box."""

    def __init__(self, item: T):
        self.item = item

    def get(self) -> T:
        return self.item

    def map[U](self, f: typing.Callable[[T], U]) -> "Box[U]":
        return Box(f(self.item))

    def me(self):
        return __class__, super().__repr__()[:4]


print(Box.__type_params__, Box.__bases__, Box.__orig_bases__, Box.__parameters__, Box[int], Box.__doc__, Box.__mro__)
print(
    Box(3).map(lambda x: x + 1).get(),
    Box[int](4).get(),
    Box.map.__qualname__,
    Box.map.__type_params__,
    Box.get.__annotations__,
)
print(Box(1).me()[0], list(vars(Box)))


class Pair[K, V](Box[K], collections.abc.Sized):
    def __len__(self):
        return 2


print(Pair.__mro__, Pair.__orig_bases__, len(Pair(1)))


class Var[*Ts]:
    pass


print(Var.__orig_bases__, Var[int, str])

type Num = int | float
type Tree[T] = T | list[Tree[T]]
type Bad = 1 / 0
print(Num, Num.__value__, Num.__type_params__, Num.__module__, type(Num))
print(Tree.__value__, Tree.__type_params__, Tree[int], Tree.__value__.__args__[1].__args__[0].__origin__ is Tree)
for _ in range(2):
    try:
        print(Bad.__value__)
    except ZeroDivisionError as e:
        print("bad", e, e.__traceback__.tb_next.tb_frame.f_code.co_name)


class Scope:
    X = int
    Y = "class"

    def m[T: X](self, a: X, b: T = X) -> Y:
        return a

    type Al = list[X]
    type Gen[Z: X] = dict[X, Z]

    class In[V](list[V]):
        Q = V

    Y = "later"  # noqa: PIE794  # the class sees it


print(Scope.m.__annotations__, Scope.m.__type_params__[0].__bound__, Scope.m.__qualname__, Scope.m.__defaults__)
print(Scope.Al, Scope.Al.__value__, Scope.Gen.__value__, Scope.Gen.__type_params__[0].__bound__)
print(Scope.In.__qualname__, Scope.In.__orig_bases__, Scope.In.Q, Scope.__dict__.keys() & {"__classdict__", "$ns"})


def outer(x):
    X = "outer"

    class C:
        X = "inner"
        type A = (X, x)

        def f[T](self, a: X, b: x) -> T:
            def k[U](u: U) -> T:
                return (X, x, T, U, u)

            return k

    return C


C = outer(7)
print(
    C.A.__value__,
    C.f.__annotations__,
    C().f(1, 2)(3),
    C.f.__qualname__,
    C().f(1, 2).__qualname__,
    C().f(1, 2).__type_params__,
)


def gen[T](n: T):
    for i in range(n):
        yield (i, T)


print(list(gen(2)), gen.__name__)


def nothing[T]():
    pass


print(nothing(), nothing.__type_params__)
match Num:
    case type():
        print("no")
    case _:
        print("ok")
type = 5
print(type)
