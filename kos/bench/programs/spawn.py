"""Fork, the child exits, wait: prints ns for all of it."""

import os
import time


def main() -> None:
    times = []
    for _ in range(60):
        began = time.perf_counter_ns()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        times.append(time.perf_counter_ns() - began)
    print(sorted(times)[30])


main()
