"""A fork copies objects whose special methods all raise: none of them is asked."""

import os


def go():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


class Liar:
    @property
    def __class__(self):
        return int


class Raises:
    def __getattr__(self, n):
        raise RuntimeError(n)

    def __eq__(self, o):
        raise RuntimeError("eq")

    def __bool__(self):
        raise RuntimeError("bool")

    def __len__(self):
        raise RuntimeError("len")

    def __iter__(self):
        raise RuntimeError("iter")

    def __repr__(self):
        raise RuntimeError("repr")

    def __reduce__(self):
        raise RuntimeError("reduce")

    def __reduce_ex__(self, n):
        raise RuntimeError("reduce")

    def __getstate__(self):
        raise RuntimeError("getstate")

    def __setattr__(self, n, v):
        raise RuntimeError("set")

    def __delattr__(self, n):
        raise RuntimeError("del")

    def __getitem__(self, n):
        raise RuntimeError("item")

    def __sizeof__(self):
        raise RuntimeError("size")

    def __dir__(self):
        raise RuntimeError("dir")

    def __hash__(self):
        raise RuntimeError("hash")


class RaisesAll(Raises):
    def __getattribute__(self, n):
        raise RuntimeError(n)


class Meta(type):
    def __getattribute__(cls, n):
        if n.startswith("x"):
            raise RuntimeError(n)
        return super().__getattribute__(n)

    def __eq__(cls, o):
        raise RuntimeError("meta eq")

    def __hash__(cls):
        return 5

    def __repr__(cls):
        raise RuntimeError("meta repr")

    def __bool__(cls):
        raise RuntimeError("meta bool")

    def __iter__(cls):
        raise RuntimeError("meta iter")

    def __len__(cls):
        raise RuntimeError("meta len")

    def __instancecheck__(cls, o):
        raise RuntimeError("instance")


class M(metaclass=Meta):
    pass


class Str(str):
    def __eq__(s, o):
        raise RuntimeError("str eq")

    def __hash__(s):
        return 3

    def __len__(s):
        raise RuntimeError("strlen")


class Int(int):
    def __eq__(s, o):
        raise RuntimeError

    def __index__(s):
        raise RuntimeError

    __hash__ = int.__hash__


class Lst(list):
    def __iter__(s):
        raise RuntimeError

    def __len__(s):
        raise RuntimeError

    def __getitem__(s, i):
        raise RuntimeError

    def append(s, x):
        raise RuntimeError

    def extend(s, x):
        raise RuntimeError

    def __eq__(s, o):
        raise RuntimeError


class Dct(dict):
    def __iter__(s):
        raise RuntimeError

    def __len__(s):
        raise RuntimeError

    def __getitem__(s, i):
        raise RuntimeError

    def __setitem__(s, i, v):
        raise RuntimeError

    def items(s):
        raise RuntimeError

    def keys(s):
        raise RuntimeError

    def update(s, *a):
        raise RuntimeError


class St(set):
    def __iter__(s):
        raise RuntimeError

    def add(s, x):
        raise RuntimeError

    def update(s, x):
        raise RuntimeError


class Tup(tuple):
    def __iter__(s):
        raise RuntimeError

    def __len__(s):
        raise RuntimeError

    def __getitem__(s, i):
        raise RuntimeError


class Exc(Exception):
    def __init__(s, a, b):
        super().__init__(a)

    def __str__(s):
        raise RuntimeError

    def __getattribute__(s, n):
        raise RuntimeError(n)


d = Dct()
dict.__setitem__(d, "k", 1)
items = Lst()
list.append(items, 2)
s = St()
set.add(s, 3)
objs = [Liar(), Raises(), RaisesAll(), M, M(), Str("abc"), Int(5), items, d, s, Tup((1, 2)), Exc(1, 2)]
it = iter("ab")
for i in range(len(objs)):
    o = objs[i]
    go()
print(
    list.__len__(items),
    dict.__len__(d),
    set.__len__(s),
    tuple.__len__(objs[10]),
    str.__len__(objs[5]),
    int.__add__(objs[6], 1),
    type(objs[0]).__name__,
    type(objs[2]).__name__,
)
