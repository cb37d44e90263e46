"""mmaps, their views and iterators in odd places while the process forks: each process goes on from the same place."""

import contextlib
import functools
import itertools
import mmap
import os
import weakref


def both(label, call):
    """What the call gives in a child, and in the parent."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    print(label, call(), flush=True)
    if not pid:
        os._exit(0)


m = mmap.mmap(-1, 16)
m[:] = b"abcdefghijklmnop"
view = memoryview(m)
for label, iterator in (
    ("iter", iter(m)),
    ("reversed", reversed(m)),
    ("enumerate", enumerate(m)),
    ("zip", zip(m, view, strict=True)),
    ("view", iter(view)),
    ("reversed view", reversed(view)),
    ("expression", (b for b in m)),
    ("map", map(len, m)),
    ("until", iter(m.read_byte, ord("f"))),
):
    next(iterator)
    both(label, functools.partial(lambda it: list(itertools.islice(it, 3)), iterator))
m.seek(2)
both("bound", functools.partial(m.read, 3))
both("partial", functools.partial(m.find, b"e", 0))
named = {m: 1, "view": view, (1, m): 2}
both("dict", lambda: (named[m], named["view"][1], named[(1, m)]))


class Tagged(mmap.mmap):
    def __new__(cls, n):
        self = super().__new__(cls, -1, n)
        self.tag = [self]
        return self


tagged, ref = Tagged(8), weakref.ref(m)
both("subclass", lambda: (tagged.tag[0] is tagged, len(tagged), ref() is m, view[::3].obj is m))


@contextlib.contextmanager
def opened():
    q = mmap.mmap(-1, 10, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        yield q
    finally:
        q.close()


with opened() as q, memoryview(q)[2:5] as part:
    part[0] = 5
    both("with", lambda: (part.tolist(), q[2], q.closed))
print(q.closed)

marks = mmap.mmap(-1, 64)
for i, b in enumerate(m):
    if os.fork() == 0:
        marks[i] = b[0]
        os._exit(0)
    os.wait()
for b in view[:3]:
    if os.fork() == 0:
        marks[b - 60] = b
        os._exit(0)
    os.wait()
print(marks[:])
it = iter(m)
next(it)
del iterator
m2, m = m, None
print(next(it), len(list(it)), list(it), m2[0])
closed = mmap.mmap(-1, 3)
over, back = iter(closed), reversed(closed)
closed.close()
for one in (over, back):
    try:
        print(next(one))
    except ValueError as e:
        print(e)
