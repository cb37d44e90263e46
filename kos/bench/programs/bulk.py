"""1 MiB copied into a mapping and out of it: prints ns a copy."""

import mmap
import time

SIZE = 1 << 20


def main() -> None:
    m = mmap.mmap(-1, 4 * SIZE)
    m[:] = bytes(4 * SIZE)
    data = bytes(range(256)) * (SIZE // 256)
    times = []
    for n in range(60):
        at = n % 4 * SIZE
        began = time.perf_counter_ns()
        m[at : at + SIZE] = data
        copy = m[at : at + SIZE]
        times.append((time.perf_counter_ns() - began) / 2)
        assert len(copy) == SIZE
    print(sorted(times)[30])


main()
