"""dup and fork share one offset; a second open has its own."""

import os

path = f"/tmp/dup-{os.getpid()}"
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
os.write(fd, b"abcdefghij")
os.lseek(fd, 0, os.SEEK_SET)
twin, own = os.dup(fd), os.open(path, os.O_RDONLY)
print(os.read(fd, 2), os.read(twin, 2), os.read(own, 2))
pid = os.fork()
if pid == 0:
    print(os.read(twin, 2), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print(os.read(fd, 2), os.read(own, 2))
os.unlink(path)
