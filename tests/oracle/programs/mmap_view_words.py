"""A view of a mapping calls itself memoryview, and refuses in its words."""

import mmap

m = mmap.mmap(-1, 4096)
v = memoryview(m)
m[:4] = b"abcd"
print(type(v).__name__, isinstance(v, memoryview), v[0,], v[:2].tobytes())
for value in (5, "ab", None, b"abc"):
    try:
        v[0:2] = value
    except (TypeError, ValueError) as e:
        print(type(e).__name__, e)
