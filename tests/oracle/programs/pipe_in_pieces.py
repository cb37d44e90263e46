"""Writes and reads of all sizes through one pipe that is never waited for: when it is full, and what comes out."""

import os
import random


class Index:
    """A number by its __index__."""

    def __init__(self, n):
        self.n = n

    def __index__(self):
        return self.n


def attempt(call, *args):
    try:
        found = call(*args)
    except Exception as e:
        return type(e).__name__, getattr(e, "errno", None)
    return found if type(found) is int else (len(found), sum(found))


def main():
    rng = random.Random(7)
    r, w = os.pipe()
    os.set_blocking(r, False)
    os.set_blocking(w, False)
    print(attempt(os.read, r, 1), attempt(os.read, r, 0), attempt(os.write, w, b""))
    # Full with small pieces, with whole pages, and with what does not fit behind the last bytes.
    for size in (61, 500, 2048, 2049, 4095, 4096, 4097, 10000):
        written = []
        while type(n := attempt(os.write, w, bytes([size % 251]) * size)) is int:
            written.append(n)
        read = []
        while type(got := attempt(os.read, r, 3000)) is tuple and got[0] != "BlockingIOError":
            read.append(got)
        print(size, n, len(written), sum(written), len(read), sum(n for n, _ in read), sum(s for _, s in read))
    total = 0
    for _ in range(3000):
        if rng.random() < 0.5:
            n = rng.choice((1, 1, 2, 60, 512, 4000, 4095, 4096, 5000, 9000))
            kind = rng.choice((bytes, bytearray, lambda data: memoryview(data)))
            got = attempt(os.write, w, kind(bytes([rng.randrange(256)]) * n))
        else:
            got = attempt(os.read, r, rng.choice((0, 1, 3, 64, 4096, 6000, 70000)))
        total = (total * 31 + sum(map(ord, str(got)))) % 1_000_003
    print(total)
    while attempt(os.read, r, 70000)[0] != "BlockingIOError":
        pass
    print(attempt(os.write, Index(w), b"abc"), attempt(os.read, Index(r), Index(2)), attempt(os.read, r, True))
    print([attempt(os.read, *bad) for bad in ((r, -1), (-1, 1), (1 << 31, 1), (r, 1 << 63), ("x", 1), (r, 1.0), (r,))])
    print([attempt(os.write, *bad) for bad in ((r, b"x"), (-1, b"x"), (1 << 40, b"x"), (w, "x"), (w, 5), (w,))])
    os.close(w)
    print(attempt(os.read, r, 5), attempt(os.write, w, b"x"))
    r, w = os.pipe()
    os.close(r)
    print(attempt(os.write, w, b"x"), attempt(os.write, w, b""))


main()
