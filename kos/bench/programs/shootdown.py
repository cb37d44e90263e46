"""kos only: one page loses and regains the right to be written, while argv[1] - 1 other threads run in a loop.

The latency is not what this prints (ns a round) but what the machine's own histogram says: from the first interrupt
to the last acknowledgement.
"""

import sys
import time

from kos import guest

ROUNDS = 300
RW = guest.PROT_READ | guest.PROT_WRITE
ANON = guest.MAP_PRIVATE | guest.MAP_ANONYMOUS


def spin(words: int, slot: int) -> int:
    """A thread that runs until the first word says so."""
    n = 0
    while not guest.load64(words):
        n += 1
        guest.store64(words + 8 * slot, n)
    return 0


def main() -> None:
    cpus = int(sys.argv[1])
    words = guest.mmap(0, guest.PAGE_SIZE, RW, ANON)
    page = guest.mmap(0, guest.PAGE_SIZE, RW, ANON)
    threads = [guest.clone(spin, words, slot) for slot in range(1, cpus)]
    while not all(guest.load64(words + 8 * slot) for slot in range(1, cpus)):
        pass
    began = time.perf_counter_ns()
    for _ in range(ROUNDS):
        guest.store64(page, 1)
        guest.mprotect(page, guest.PAGE_SIZE, guest.PROT_READ)
        guest.mprotect(page, guest.PAGE_SIZE, RW)
    elapsed = time.perf_counter_ns() - began
    guest.store64(words, 1)
    for tid in threads:
        guest.join(tid)
    print(elapsed / ROUNDS)


main()
