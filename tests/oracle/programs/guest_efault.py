"""read and write on raw addresses: bad ones are EFAULT, and a pipe keeps its bytes."""

import errno
import os

from kos import guest

P, RW, ANON = guest.PAGE_SIZE, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
a = guest.mmap(0, 2 * P, RW, ANON)
guest.munmap(a + P, P)
r, w = os.pipe()
guest.store(a, b"through the kernel")
print(guest.write(w, a, 18), guest.read(r, a + 100, 99), guest.load(a + 100, 18))
for act in (lambda: guest.write(w, 16, 4), lambda: guest.write(w, a + P, 4), lambda: guest.write(99, a, 1)):
    try:
        act()
    except OSError as e:
        print(errno.errorcode[e.errno])
guest.mprotect(a, P, guest.PROT_READ)
os.write(w, b"kept")
try:
    guest.read(r, a, 4)
except OSError as e:
    print(errno.errorcode[e.errno])
