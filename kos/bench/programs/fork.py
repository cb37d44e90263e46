"""Until fork() has returned in the parent, with argv[1] MiB resident in 4 KiB pages: prints ns."""

import mmap
import os
import sys
import time

CHUNK = 1 << 20


def main() -> None:
    mib = int(sys.argv[1])
    m = mmap.mmap(-1, mib << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        m.madvise(mmap.MADV_NOHUGEPAGE)
    except (AttributeError, OSError):
        pass  # it has pages of 4 KiB only
    ones = b"\1" * CHUNK
    for at in range(0, mib << 20, CHUNK):
        m[at : at + CHUNK] = ones
    del ones  # a local of 1 MiB would be part of what kos saves and copies: a frame's locals are its registers
    times = []
    for _ in range(7):
        began = time.perf_counter_ns()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        times.append(time.perf_counter_ns() - began)
        os.waitpid(pid, 0)
    print(sorted(times)[3])


main()
