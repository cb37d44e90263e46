"""As many sleepers are woken as futex_wake says, whatever timeouts and other wakers do at the same time."""

import errno

from kos import guest

SLEEPERS, WAKERS, TURNS = 6, 2, 60
RW = guest.PROT_READ | guest.PROT_WRITE
PRIVATE, SHARED = (guest.mmap(0, 4096, RW, how | guest.MAP_ANONYMOUS) for how in (guest.MAP_PRIVATE, guest.MAP_SHARED))


def sleeper(page, number):
    """Sleeps over and over, for no time up to some milliseconds; counts how each sleep ended."""
    turn = 0
    while not guest.load64(page + 32):
        turn += 1
        try:
            guest.futex_wait(page, 0, (turn * 7 + number) % 5 / 1000)
            guest.fetch_add64(page + 8, 1)
        except OSError as e:
            if e.errno != errno.ETIMEDOUT:
                print(e)


def waker(page, number):
    for turn in range(TURNS):
        guest.fetch_add64(page + 16, guest.futex_wake(page, (turn + number) % 4))
        for _ in range(turn % 7 * 50):
            pass


for name, page in (("private", PRIVATE), ("shared", SHARED)):
    sleepers = [guest.clone(sleeper, page, n) for n in range(SLEEPERS)]
    wakers = [guest.clone(waker, page, n) for n in range(WAKERS)]
    for tid in wakers:
        guest.join(tid)
    guest.store64(page + 32, 1)
    for tid in sleepers:
        guest.join(tid)
    woken, said = guest.load64(page + 8), guest.load64(page + 16)
    print(name, "equal:" if woken == said else f"{said} said to be woken, {woken} were:", guest.futex_wake(page, 9))
