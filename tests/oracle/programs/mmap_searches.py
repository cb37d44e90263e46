"""find, rfind, readline and struct in maps of many pages: what lies across borders, at ends, and next to them."""

import mmap
import os
import random
import struct

SIZE = 300_000
rnd = random.Random(5)
m = mmap.mmap(-1, SIZE)
plain = bytearray(SIZE)
for word in (b"needle", b"n", b"x" * 5000, b"ab" * 70_000):
    for at in (0, 1, 1021, 1023, 1024, 4095, 5119, 21500, SIZE - len(word)):
        if at + len(word) > SIZE:
            continue
        m[at : at + len(word)] = plain[at : at + len(word)] = word
        pairs = [(m.find(word), plain.find(word)), (m.rfind(word), plain.rfind(word))]
        for low, high in ((at, SIZE), (at + 1, SIZE), (0, at + len(word)), (0, at + len(word) - 1), (at, at)):
            pairs.append((m.find(word, low, high), plain.find(word, low, high)))
            pairs.append((m.rfind(word, low, high), plain.rfind(word, low, high)))
        print(len(word), at, [a for a, b in pairs if a != b], pairs[0])
    m[:] = plain = bytearray(SIZE)
print(m.find(b"absent"), m.rfind(b"absent"), m.find(b""), m.rfind(b""), m.find(b"", SIZE), m.rfind(b"", 5, 9))
lengths = [rnd.choice((1, 3, 80, 1024, 1025, 4096, 30_000)) for _ in range(20)]
text = b"".join(b"." * (n - 1) + b"\n" for n in lengths) + b"tail"
m[: len(text)] = text
print([len(m.readline()) for _ in lengths] == lengths, m.tell() == len(text) - 4, m.readline()[:6], m.readline())

for place in (0, 4095, 4094, SIZE - 8, -8):
    struct.pack_into("<Q", m, place, 0x1122334455667788 + abs(place))
    print(place, struct.unpack_from("<IHxB", m, place), struct.unpack_from("<Q", memoryview(m)[place:], offset=0))
struct.pack_into("3sx5s", memoryview(m)[4090:4100], 1, b"abc", b"defgh")
print(m[4090:4101], struct.unpack_from("3s", buffer=m, offset=4091))
read_only = mmap.mmap(-1, 16, prot=mmap.PROT_READ)
for attempt in (
    lambda: struct.pack_into("<I", m, SIZE - 3, 1),
    lambda: struct.pack_into("<I", m, -SIZE - 1, 1),
    lambda: struct.pack_into("<I", m, -2, 1),
    lambda: struct.unpack_from("<I", m, SIZE - 3),
    lambda: struct.unpack_from("<I", m, "x"),
    lambda: struct.unpack_from("<Z", m, 0),
    lambda: struct.pack_into("<I", m, 0),
    lambda: struct.pack_into("<I", m, 0, 1, 2),
    lambda: struct.pack_into("<I", m, 0, "x"),
    lambda: struct.pack_into("<B", m, 0, 256),
    lambda: struct.pack_into("<I", m),
    lambda: struct.pack_into(),
    lambda: struct.unpack_from("<I"),
    lambda: struct.pack_into("<I", read_only, 0, 1),
    lambda: struct.pack_into("<I", b"1234", 0, 1),
):
    try:
        print(attempt())
    except (struct.error, TypeError, OverflowError, ValueError) as e:
        print(type(e).__name__, e)
view = memoryview(m)
target = bytearray(SIZE)
target[:] = m
view[5:9] = b"view"
pid = os.fork()
if pid == 0:
    struct.pack_into("<I", m, 70_000, 7)
    print(struct.unpack_from("<I", m, 70_000), struct.unpack_from("<I", bytes(m), 70_000), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print(struct.unpack_from("<I", m, 70_000), [i for i in range(SIZE >> 12) if m[i << 12] != target[i << 12]], m[5:9])
with open(f"/tmp/search-{os.getpid()}", "w+b") as f:
    f.write(b"r" * 100_000)
    f.seek(50)
    print(f.readinto(view[40_000:200_001]), m[39_999:40_002], m[139_949:139_951])
    os.unlink(f.name)

# What C refuses, it refuses before it looks at the pages, though they be gone.
fd = os.memfd_create("gone")
os.ftruncate(fd, 8192)
gone = mmap.mmap(fd, 8192)
os.ftruncate(fd, 0)
for arguments in (("<I", gone, 8190, 1), ("<I", gone, "x", 1), ("<I", gone, 1 << 31, 1)):
    try:
        struct.pack_into(*arguments)
    except (struct.error, TypeError) as e:
        print(e)
m[0:8] = b"\xff" * 8
for arguments in (("<HHI", m, 0, 1, "x", 3), ("<HHI", m, 0, 1)):
    try:
        struct.pack_into(*arguments)
    except struct.error as e:
        print(e, m[0:8])
