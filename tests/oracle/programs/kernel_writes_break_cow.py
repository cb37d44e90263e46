"""read into a page that is shared by copy-on-write copies it: the other process keeps its bytes."""

import mmap
import os

m = mmap.mmap(-1, 8192, flags=mmap.MAP_PRIVATE)
m[:6] = b"before"
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(w, b"kernel")
    print("child:", os.readv(r, [memoryview(m)[:6]]), m[:6], flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print("parent:", m[:6])
os.write(w, b"x" * 5000)
print(os.readv(r, [m]), m[4999:5001])
