"""Loads and stores of every width: little-endian, unsigned, unaligned, across a page."""

from kos import guest

P = guest.PAGE_SIZE
a = guest.mmap(0, 2 * P, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
guest.store64(a, 0x1122334455667788)
print(hex(guest.load8(a)), hex(guest.load16(a)), hex(guest.load32(a)), hex(guest.load64(a + 1)), guest.load(a, 8))
guest.store32(a + P - 2, 0xAABBCCDD)
print(hex(guest.load16(a + P - 2)), hex(guest.load16(a + P)), guest.load(a + P - 3, 6))
guest.store64(a, -1)
guest.store16(a, 1 << 16)
print(hex(guest.load64(a)), guest.load(a, 0))
guest.store(a + P - 4, bytearray(b"spanning"))
print(guest.load(a + P - 4, 8))
print(
    guest.fetch_add64(a, -1),
    hex(guest.load64(a)),
    guest.exchange64(a, 3),
    guest.compare_exchange64(a, 4, 9),
    guest.compare_exchange64(a, 3, 9),
    guest.load64(a),
)
