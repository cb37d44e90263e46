"""One byte stored into a resident anonymous mapping: prints ns a store."""

import mmap
import time

STORES = 1 << 18


def main() -> None:
    m = mmap.mmap(-1, STORES)
    m[:] = bytes(STORES)
    best = []
    for _ in range(5):
        began = time.perf_counter_ns()
        for i in range(STORES):
            m[i] = 7
        best.append((time.perf_counter_ns() - began) / STORES)
    print(sorted(best)[2])


main()
