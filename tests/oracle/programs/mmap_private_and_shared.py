"""Over a fork: shared memory is one, private memory is two, of a file as of nothing."""

import mmap
import os

path = f"/tmp/ps-{os.getpid()}"
with open(path, "wb") as f:
    f.write(b"f" * 8192)
with open(path, "r+b") as f:
    maps = [
        mmap.mmap(-1, 4096),
        mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE),
        mmap.mmap(f.fileno(), 0),
        mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE),
        mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY),
    ]
for m in maps:
    m[0:6] = b"parent"
pid = os.fork()
if pid == 0:
    print("child:", [m[0:6] for m in maps], flush=True)
    for m in maps:
        m[0:6] = b"child!"
    os._exit(0)
os.waitpid(pid, 0)
print("parent:", [m[0:6] for m in maps], open(path, "rb").read(6), [m[4097] if len(m) > 4096 else None for m in maps])
os.unlink(path)
