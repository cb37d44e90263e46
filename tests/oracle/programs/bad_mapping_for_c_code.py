"""C code that is given a mapping past its file's end: the process dies by SIGBUS, whatever C makes of it."""

import mmap
import os
import struct
import zlib

PAGE = mmap.PAGESIZE
fd = os.memfd_create("short")
os.ftruncate(fd, 4 * PAGE)
m = mmap.mmap(fd, 4 * PAGE)
os.ftruncate(fd, PAGE)


def status(call):
    pid = os.fork()
    if pid == 0:
        try:
            call()
        except Exception:
            for _ in range(10):
                os.getppid()
        os._exit(9)
    return os.waitpid(pid, 0)[1]


print(status(lambda: zlib.crc32(m)))
print(status(lambda: b"".join([m])))
print(status(lambda: struct.pack_into("<Q", m, 2 * PAGE, 1)))
print(status(lambda: struct.unpack_from("<Q", m, 2 * PAGE)))
print(status(lambda: m[PAGE]), status(lambda: m[:]), status(lambda: bytes(memoryview(m))))
