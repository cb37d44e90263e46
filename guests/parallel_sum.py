"""Sum an array with threads that share memory: work by an atomic counter, a total under a lock.

Look for: the threads share simulated memory and nothing else (Python objects are each task's own registers), so all
that they say to each other goes through words in a page; a thread that finds the lock taken sleeps in the kernel and
is woken by the one that lets go. The total is right with any number of CPUs. Usage: parallel_sum [THREADS] [ITEMS]
"""

import sys

from kos import guest

PAGE = guest.PAGE_SIZE
CHUNK = 256
#: Words of the control page. The lock: 0 = free, 1 = taken, 2 = taken and somebody may sleep (Drepper, "Futexes Are
#: Tricky", 2011, mutex 2).
NEXT, TOTAL, LOCK, CHUNKS = (8 * i for i in range(4))


def lock(word: int) -> None:
    if guest.compare_exchange64(word, 0, 1) == 0:
        return
    while guest.exchange64(word, 2) != 0:
        try:
            guest.futex_wait(word, 2)
        except BlockingIOError:
            pass  # it was let go before we slept


def unlock(word: int) -> None:
    if guest.exchange64(word, 0) == 2:
        guest.futex_wake(word, 1)


def worker(control: int, array: int, items: int) -> int:
    """Take chunks until none is left; how many of them, as exit code modulo 256."""
    taken = 0
    while True:
        first = guest.fetch_add64(control + NEXT, CHUNK)
        if first >= items:
            return taken % 256
        part = 0
        for i in range(first, min(first + CHUNK, items)):
            part += guest.load64(array + 8 * i)
        lock(control + LOCK)
        # Two accesses, not one atomic addition: without the lock, sums would get lost.
        guest.store64(control + TOTAL, guest.load64(control + TOTAL) + part)
        guest.store64(control + CHUNKS, guest.load64(control + CHUNKS) + 1)
        unlock(control + LOCK)
        taken += 1


def main() -> int:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    items = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    size = -(-8 * items // PAGE) * PAGE
    flags = guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
    control = guest.mmap(0, PAGE, guest.PROT_READ | guest.PROT_WRITE, flags)
    array = guest.mmap(0, size, guest.PROT_READ | guest.PROT_WRITE, flags)
    for i in range(items):
        guest.store64(array + 8 * i, i)

    tids = [guest.clone(worker, control, array, items) for _ in range(threads)]
    taken = sum(guest.join(tid) for tid in tids)
    chunks = guest.load64(control + CHUNKS)
    total = guest.load64(control + TOTAL)
    print("chunks:", chunks, "each taken once:", chunks == -(-items // CHUNK) and taken % 256 == chunks % 256)
    print("sum:", total, "right:", total == items * (items - 1) // 2)
    return 0 if total == items * (items - 1) // 2 else 1


if __name__ == "__main__":
    sys.exit(main())
