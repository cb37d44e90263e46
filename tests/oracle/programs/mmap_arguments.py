"""What the methods of an mmap refuse, and in which order they look: count, closed, type, range, rights."""

import copy
import mmap
import os


class Index:
    def __init__(self, n):
        self.n = n

    def __index__(self):
        return self.n


def attempt(m, name, *args, **kwargs):
    try:
        print(name, args, kwargs, repr(getattr(m, name)(*args, **kwargs)))
    except (BufferError, IndexError, OSError, OverflowError, TypeError, ValueError) as e:
        print(name, args, kwargs, type(e).__name__, e)


CALLS = {
    "seek": ((), (1, 2, 3), ("a",), (1 << 70,), (0, 3), (-1,), (1, 1)),
    "read": ((1, 2), (1 << 70,), ("a",), (None,), (-1,)),
    "write": ((), (b"a", b"b"), ("a",), (b"x" * 200,), (b"x",)),
    "read_byte": ((1,), ()),
    "write_byte": ((), ("a",), (300,), (-1,), (1 << 70,), (7,)),
    "readline": ((1,), ()),
    "move": ((), (1, 2), (0, 0, 1, 1), ("a", 0, 0), (0, 0, -1), (0, 50, 51), (1 << 70, 0, 0), (0, 1, 2)),
    "find": ((), ("a",), (b"a", None), (b"a", 0, None), (b"a", 0, 1, 2), (b"\0", -(1 << 63)), (b"\0", 1 << 70), (b"",)),
    "rfind": ((), (b"a", "b"), (b"\0", 0, 5)),
    "flush": ((1, 2, 3), ("a",), (0, 101), (None,), (0, None), (200, None), (0, 5)),
    "madvise": ((), (1 << 40,), (0, 0, None), (0, 0, 1, 2), (0, 100), (0, 0, -1), (0, 1 << 62, 1 << 62), (0, 0, 5)),
    "resize": ((), (1, 2), ("a",), (-1,)),
    "tell": ((1,), ()),
    "size": ((1,),),
    "__setitem__": ((slice(0, 3), memoryview(b"abcdef")[::2].tobytes()), (slice(0, 3), b"a"), (0, 256), ("a", 1)),
    "__delitem__": ((0,), (200,), ("a",), (slice(0, 2),), (slice(None, None, 0),)),
    "__exit__": ((),),
    "close": ((1,), ()),
}
for title, access in (("plain", mmap.ACCESS_WRITE), ("read only", mmap.ACCESS_READ)):
    print(title)
    for name, calls in CALLS.items():
        for args in calls:
            with mmap.mmap(-1, 100, access=access) as m:
                attempt(m, name, *args)
print("closed")
for name, calls in CALLS.items():
    for args in calls:
        attempt(m, name, *args)
m = mmap.mmap(-1, 100)
print(m.read(Index(3)), m.seek(Index(5)) or "", m.find(b"\0", Index(1)), m.write_byte(Index(7)), m[5])
attempt(m, "flush", offset=0)
attempt(m, "tell", x=1)
attempt(mmap, "mmap")
attempt(mmap, "mmap", -1)
attempt(mmap, "mmap", -1, 5, length=5)
attempt(mmap, "mmap", 1 << 40, 10)
attempt(mmap, "mmap", -1, 10, access=1 << 40)
try:
    m.write(memoryview(b"abcdef")[::2])
except BufferError as e:
    print(e)
for work in (copy.copy, copy.deepcopy, lambda m: setattr(m, "closed", 1), lambda m: setattr(type(m), "x", 1)):
    try:
        work(m)
    except (AttributeError, TypeError) as e:
        print(e)
print(os.path.exists("/proc/sys/vm/mmap_min_addr"))
