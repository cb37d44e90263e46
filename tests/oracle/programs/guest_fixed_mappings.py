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


def place(*args):
    """Where it is mapped, if that is low; unmapped again."""
    try:
        at = guest.mmap(*args)
    except OSError as e:
        return errno.errorcode[e.errno]
    guest.store(at + 8, b"low")
    found = hex(at) if at < 1 << 20 else "elsewhere", guest.load(at + 8, 3)
    guest.munmap(at, guest.PAGE_SIZE)
    return found


# A hint is never below what may be mapped; MAP_FIXED there is for who has CAP_SYS_RAWIO, as whoever runs this.
print([place(hint, 4096, 3, 0x22) for hint in (0, 1, 4096, 0xFFFF, 0x10001)])
print([place(at, 4096, 3, 0x22 | flag) for at in (0, 4096, 0xF000, 0x10000) for flag in (0x10, 0x100000)])
