"""brk and sbrk: the end moves, memory appears zeroed and goes."""

import os

from kos import guest

P = guest.PAGE_SIZE
start = guest.sbrk(0)
print(guest.sbrk(3 * P) == start, guest.sbrk(0) - start, guest.load64(start), guest.brk(0) == guest.sbrk(0))
guest.store64(start + 2 * P, 5)
print(guest.brk(start + P) - start, guest.sbrk(2 * P) - start, guest.load64(start + 2 * P))
pid = os.fork()
if pid == 0:
    guest.store64(start, 1)
    guest.sbrk(P)
    os._exit(0)
os.waitpid(pid, 0)
print(guest.load64(start), guest.sbrk(0) - start)
try:
    guest.sbrk(1 << 50)
except OSError as e:
    print(e.strerror, guest.sbrk(0) - start)
