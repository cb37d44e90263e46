"""Host only: a word in shared memory polled by argv[1] - 1 other processes; prints ns until all have answered, p50.

With more processes than cores each one yields its core while it polls: argv[2] is "yield".
"""

import mmap
import os
import sys
import time

ROUNDS = 2000


def main() -> None:
    processes = int(sys.argv[1])
    wait = os.sched_yield if sys.argv[2:] == ["yield"] else lambda: None
    words = memoryview(mmap.mmap(-1, 4096 * (processes + 1))).cast("Q")
    children = []
    for slot in range(1, processes):
        pid = os.fork()
        if pid == 0:
            answer(words, slot * 512, wait)
        children.append(pid)
    times = []
    for n in range(1, ROUNDS + 1):
        began = time.perf_counter_ns()
        words[0] = n
        for slot in range(1, processes):
            while words[slot * 512] != n:
                wait()
        times.append(time.perf_counter_ns() - began)
    words[0] = ROUNDS + 1
    for pid in children:
        os.waitpid(pid, 0)
    print(sorted(times)[ROUNDS // 2])


def answer(words, at, wait):  # type: ignore[no-untyped-def]  # the hot loop reads as on a page
    """Copy the word for as long as it is a question."""
    while True:
        n = words[0]
        if n > ROUNDS:
            os._exit(0)
        if words[at] != n:
            words[at] = n
        wait()


main()
