"""The first write to each of 4096 pages that a child shares: prints ns a page."""

import mmap
import os
import time

PAGES = 4096


def main() -> None:
    m = mmap.mmap(-1, PAGES * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        m.madvise(mmap.MADV_NOHUGEPAGE)
    except (AttributeError, OSError):
        pass  # it has pages of 4 KiB only
    m[:] = b"\1" * (PAGES * 4096)
    times = []
    for _ in range(3):
        readable, writable = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(writable)
            os.read(readable, 1)  # until the parent has written every page
            os._exit(0)
        os.close(readable)
        began = time.perf_counter_ns()
        for at in range(0, PAGES * 4096, 4096):
            m[at] = 2
        times.append((time.perf_counter_ns() - began) / PAGES)
        os.close(writable)
        os.waitpid(pid, 0)
    print(sorted(times)[1])


main()
