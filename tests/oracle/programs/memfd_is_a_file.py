"""memfd_create: a file without a name, shared over fork through its mapping."""

import mmap
import os

fd = os.memfd_create("kos")
print(os.get_inheritable(fd), os.fstat(fd).st_size, os.write(fd, b"x" * 100), os.fstat(fd).st_nlink)
os.ftruncate(fd, 8192)
m = mmap.mmap(fd, 8192)
pid = os.fork()
if pid == 0:
    m[4096:4101] = b"child"
    os._exit(0)
os.waitpid(pid, 0)
print(m[4096:4101], os.pread(fd, 5, 4096), m[:3])
