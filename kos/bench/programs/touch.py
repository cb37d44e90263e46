"""The first write to each page of a fresh anonymous mapping: prints ns a page."""

import mmap
import time

PAGES = 4096


def main() -> None:
    times = []
    for _ in range(3):
        m = mmap.mmap(-1, PAGES * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        try:
            m.madvise(mmap.MADV_NOHUGEPAGE)
        except (AttributeError, OSError):
            pass  # it has pages of 4 KiB only
        began = time.perf_counter_ns()
        for at in range(0, PAGES * 4096, 4096):
            m[at] = 1
        times.append((time.perf_counter_ns() - began) / PAGES)
        m.close()
    print(sorted(times)[1])


main()
