"""A thread stores bytes without end while another forks: no child sees what is stored after its fork."""

import mmap
import os

from kos import guest

PAGE = mmap.PAGESIZE
m = mmap.mmap(-1, 2 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def store(m):
    turns = 0
    while not m[PAGE]:
        turns += 1
        for i in range(64):
            m[i] = turns & 255
    return turns > 0


def is_stable(m):
    first = m[:64]
    for _ in range(300):
        if m[:64] != first:
            return False
    return True


def main():
    storing = guest.clone(store, m)
    while not any(m[:64]):
        pass
    for _ in range(25):
        pid = os.fork()
        if pid == 0:
            os._exit(0 if is_stable(m) else 1)
        for _ in range(50):
            m[64] = m[64] + 1 & 255
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), end=" ")
    m[PAGE] = 1
    print(guest.join(storing))


main()
