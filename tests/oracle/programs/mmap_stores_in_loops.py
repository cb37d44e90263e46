"""Bytes stored into mappings by loops: what changes under the loop is seen by the next store, and errors are native."""

import enum
import mmap
import os
import sys
import traceback

PAGE = mmap.PAGESIZE
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


class Loud:
    """An integer to whom it is told when he is asked."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        print("asked for", self.value)
        return self.value

    def __ge__(self, other):
        raise AssertionError("compared")

    __le__ = __lt__ = __gt__ = __add__ = __radd__ = __ge__


class Small(enum.IntEnum):
    ONE = 1


class Doubled(mmap.mmap):
    def __setitem__(self, key, value):
        super().__setitem__(key, value * 2)


def fork_in_the_middle():
    m = mmap.mmap(-1, 3 * PAGE, flags=PRIVATE)
    for i in range(3 * PAGE):
        m[i] = 1
        if i == PAGE + 100:
            pid = os.fork()
            value = 2 if pid else 3
            for k in range(3 * PAGE):
                m[k] = value
                if k == PAGE + 50:
                    break
            if not pid:
                print("child", [m[j] for j in (0, PAGE + 50, PAGE + 51, PAGE + 100, PAGE + 101)], flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
    print("parent", [m[j] for j in (0, PAGE + 50, PAGE + 51, PAGE + 100, PAGE + 101, 3 * PAGE - 1)])


def closed_in_the_middle():
    m = mmap.mmap(-1, PAGE)
    for i in range(10):
        if i == 5:
            m.close()
        m[i] = i


def thrown_away_in_the_middle():
    m = mmap.mmap(-1, 2 * PAGE, flags=PRIVATE)
    for i in range(2 * PAGE):
        m[i] = i & 255
        if i == PAGE + 10:
            m.madvise(mmap.MADV_DONTNEED, 0, PAGE)
    print(m[1], m[PAGE - 1], m[PAGE + 1], m[2 * PAGE - 1])


def resized_in_the_middle():
    with open("/tmp/kos_stores_in_loops", "w+b") as f:
        os.unlink(f.name)
        f.truncate(2 * PAGE)
        m = mmap.mmap(f.fileno(), 2 * PAGE)
        for i in range(2 * PAGE):
            m[i] = 7
            if i == 100:
                m.resize(PAGE)


def values(m):
    for value in (0, 255, True, Small.ONE, Loud(9), 256, -1, Loud(300), 1.0, "a", None, 1 << 70):
        try:
            m[3] = value
            print(m[3])
        except Exception as e:
            print(type(e).__name__, e, e.__context__)


def indexes(m):
    n = len(m)
    for index in (0, True, Small.ONE, Loud(4), -1, n - 1, -n, n, -n - 1, Loud(n), 1.0, "a", None, 1 << 70):
        try:
            m[index] = 200
            m[index] = index
        except Exception as e:
            print(type(e).__name__, e, e.__context__)
    print(m[0], m[1], m[4], m[n - 1])


def arithmetic(m, data):
    for y in range(4):
        for x in range(4):
            m[y * 4 + x] = data[x] + y
            m[-1 - x] = ord("a") + x
    print(m[:16], m[-4:])


def rebound(m):
    for i in range(4):
        if i == 2:
            m = [0] * 4
        m[i] = 5
    print(m)


def unbound(flag):
    if flag:
        m = [0]
    for i in range(3):
        try:
            m[i] = 1
        except UnboundLocalError as e:
            print(e)
            break


def in_a_generator(m):
    i = 0
    while i < 20:
        m[i] = i * 3
        i += 1
        if i % 7 == 0:
            yield m[i - 1]


def others():
    d, seen = {}, []
    numbers = [0] * 3
    for i in range(3):
        d[i] = numbers[i] = i * i
        numbers[i] = d[i] + 1
        d[len(seen)] = "x"
        seen.append(i)
    print(d, numbers)
    s = Doubled(-1, 10)
    for i in range(10):
        s[i] = i
    print(s[:])


def where(function, *args):
    try:
        function(*args)
    except Exception as e:
        last = traceback.extract_tb(e.__traceback__)[-1 if isinstance(e, TypeError) else 1]
        print(type(e).__name__, e, last.name, last.line)


def wrong_value(m):
    for i in range(3):
        m[i] = i * 200


def interleaved():
    a, b = mmap.mmap(-1, 3 * PAGE), mmap.mmap(-1, 3 * PAGE)
    for i in range(3 * PAGE):
        a[i] = i & 127
        b[i] = a[i] + 1
    print(sum(a[:]), sum(b[:]), a[PAGE], b[PAGE])


def main():
    fork_in_the_middle()
    where(closed_in_the_middle)
    thrown_away_in_the_middle()
    where(resized_in_the_middle)
    m = mmap.mmap(-1, 100)
    values(m)
    indexes(m)
    arithmetic(m, b"\x00\x10\x20\x30")
    rebound(m)
    unbound(False)
    print(list(in_a_generator(m)), m[:20])
    others()
    where(wrong_value, m)
    interleaved()
    readonly = mmap.mmap(-1, PAGE, access=mmap.ACCESS_READ)
    where(arithmetic, readonly, b"abcd")
    print(sys.exc_info())


main()
