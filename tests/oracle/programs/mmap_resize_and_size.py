"""resize grows and shrinks the mapping and the file under it."""

import mmap
import os

path = f"/tmp/resize-{os.getpid()}"
with open(path, "w+b") as f:
    f.write(b"x" * 100)
    f.flush()
    m = mmap.mmap(f.fileno(), 100)
m.seek(90)
m.resize(10000)
print(len(m), m.size(), os.stat(path).st_size, m[99:102], m.tell())
m[9999] = 33
m.resize(50)
print(len(m), os.stat(path).st_size, m.tell(), m.read())
m.close()
a = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE)
a[0] = 1
a.resize(3 * 4096)
print(len(a), a[0], a[8192])
os.unlink(path)
