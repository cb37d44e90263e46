"""Threads on all CPUs read pages that one of them keeps protecting and unmapping: TLB shootdowns.

Look for: after mprotect or munmap returned, no CPU may still use what it remembered of those pages. The readers prove
it: a page is mapped anew with a new stamp each round, and a reader that saw round n must never see an older one again
in the same place: an old stamp would be a stale translation to a frame that is somebody else's by now. `kos run
shootdown_storm --cpus 8` shows in the summary how many shootdowns there were and how long they took. Runs for about a
second. Usage: shootdown_storm [SECONDS] [READERS]
"""

import os
import sys
import time

from kos import guest

PAGE = guest.PAGE_SIZE
PAGES = 8
RW = guest.PROT_READ | guest.PROT_WRITE
ANON = guest.MAP_PRIVATE | guest.MAP_ANONYMOUS

# Words in a page that stays mapped: what the threads say to each other.
STOP, ROUND, OLD_SEEN, READS, LOCK = (8 * i for i in range(5))


def lock(word: int) -> None:
    while guest.exchange64(word, 1):
        os.sched_yield()


def unlock(word: int) -> None:
    guest.store64(word, 0)


def reader(control: int, area: int) -> int:
    """Read all pages again and again; under the lock, which says that they are mapped."""
    newest = [0] * PAGES
    reads = 0
    old = 0
    while not guest.load64(control + STOP):
        for i in range(PAGES):
            lock(control + LOCK)
            stamp = guest.load64(area + i * PAGE)
            unlock(control + LOCK)
            if stamp < newest[i]:
                old += 1
            newest[i] = stamp
            reads += 1
    guest.fetch_add64(control + READS, reads)
    guest.fetch_add64(control + OLD_SEEN, old)
    return 0


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    readers = int(sys.argv[2]) if len(sys.argv) > 2 else max((os.cpu_count() or 1) - 1, 1)
    control = guest.mmap(0, PAGE, RW, ANON)
    area = guest.mmap(0, PAGES * PAGE, RW, ANON)
    tids = [guest.clone(reader, control, area) for _ in range(readers)]

    rounds = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline or rounds < 10:
        rounds += 1
        lock(control + LOCK)
        if rounds % 2:
            # The old frames are given back, and other ones come in their place.
            guest.munmap(area, PAGES * PAGE)
            guest.mmap(area, PAGES * PAGE, RW, ANON | guest.MAP_FIXED)
        else:
            guest.mprotect(area, PAGES * PAGE, guest.PROT_READ)
            guest.mprotect(area, PAGES * PAGE, RW)
        for i in range(PAGES):
            guest.store64(area + i * PAGE, rounds)
        unlock(control + LOCK)
        if rounds % 16 == 0:
            os.sched_yield()
    guest.store64(control + STOP, 1)
    codes = {guest.join(tid) for tid in tids}

    old = guest.load64(control + OLD_SEEN)
    print("readers ended with:", sorted(codes))
    print("rounds were made:", rounds >= 10, "- pages were read:", guest.load64(control + READS) > 0)
    print("stale translations seen:", old)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
