"""mremap grows in place or moves, shrinks, and takes the bytes along."""

import errno

from kos import guest

P, RW, ANON = guest.PAGE_SIZE, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
a = guest.mmap(0, 4 * P, RW, ANON)
guest.munmap(a + P, 2 * P)  # the last page stays, as a wall
guest.store(a, b"bytes")
print(guest.mremap(a, P, 3 * P) == a, guest.load(a, 5), guest.load8(a + 2 * P))
try:
    guest.mremap(a, 3 * P, 5 * P)
except OSError as e:
    print(errno.errorcode[e.errno])
b = guest.mremap(a, 3 * P, 5 * P, 1)
print(b != a, guest.load(b, 5), guest.load8(b + 4 * P))
print(guest.mremap(b, 5 * P, P) == b, guest.load(b, 5))
for old in (a, b + P):
    try:
        guest.mremap(old, P, 2 * P)
    except OSError as e:
        print(errno.errorcode[e.errno])
for flags in (guest.MREMAP_FIXED, guest.MREMAP_FIXED | guest.MREMAP_MAYMOVE):  # the call has no place to name
    try:
        guest.mremap(b, P, P, flags)
    except OSError as e:
        print(errno.errorcode[e.errno], guest.load(b, 5))
