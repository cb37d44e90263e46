"""memoryview over an mmap: slices, casts, stores seen through it, and exports that keep it open."""

import mmap

m = mmap.mmap(-1, 4096)
v = memoryview(m)
v[0:4] = b"\x01\x02\x03\x04"
words = v[:16].cast("I")
print(hex(words[0]), len(words), words.itemsize, words.format, v.nbytes, v.readonly, v.shape)
words[1] = 0xDEADBEEF
print(
    m[4:8],
    v[4:8].tolist(),
    v[::1024].tobytes(),
    v[7],
    bytes(v[:4]),
    v[:4] == b"\x01\x02\x03\x04",
    isinstance(v, memoryview),
)
for act in (lambda: m.close(), lambda: v.__setitem__(0, 256), lambda: v[4096], lambda: words.__setitem__(0, -1)):
    try:
        act()
    except (BufferError, ValueError, IndexError) as e:
        print(type(e).__name__, e)
words.release()
with v[8:12] as part:
    part[:] = b"part"
v.release()
for act in (lambda: v[0], lambda: part[0]):
    try:
        act()
    except ValueError as e:
        print(e)
print(m[8:12])
m.close()
