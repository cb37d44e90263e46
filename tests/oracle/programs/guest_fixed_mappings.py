"""MAP_FIXED replaces, MAP_FIXED_NOREPLACE refuses, a hint is a hint."""

import errno

from kos import guest

P, RW, ANON = guest.PAGE_SIZE, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
a = guest.mmap(0, 4 * P, RW, ANON)
for i in range(4):
    guest.store8(a + i * P, i + 1)
print(guest.mmap(a + P, P, RW, ANON | guest.MAP_FIXED) == a + P, [guest.load8(a + i * P) for i in range(4)])
try:
    guest.mmap(a + 2 * P, P, RW, ANON | guest.MAP_FIXED_NOREPLACE)
except OSError as e:
    print(errno.errorcode[e.errno], guest.load8(a + 2 * P))
guest.munmap(a + 2 * P, P)
print(guest.mmap(a + 2 * P, P, RW, ANON | guest.MAP_FIXED_NOREPLACE) == a + 2 * P, guest.load8(a + 2 * P))
print(guest.mmap(a, P, RW, ANON) != a, guest.load8(a + 3 * P))
for args in (
    (a + 1, P, RW, ANON | guest.MAP_FIXED),
    (0, 0, RW, ANON),
    (0, P, RW, guest.MAP_ANONYMOUS),
    (0, P, RW, guest.MAP_PRIVATE, -1),
):
    try:
        guest.mmap(*args)
    except OSError as e:
        print(errno.errorcode[e.errno])
