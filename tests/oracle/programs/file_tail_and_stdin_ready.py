"""Bytes stored past a file's end are gone when it grows; /dev/null as stdin is always ready; strided buffers."""

import os
import select

from kos import guest

path = "/tmp/file_tail_and_stdin_ready"
RW = guest.PROT_READ | guest.PROT_WRITE
fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
os.write(fd, b"x" * 10)
area = guest.mmap(0, guest.PAGE_SIZE, RW, guest.MAP_SHARED, fd)
guest.store(area + 10, b"junk")
print(guest.load(area + 8, 6), os.pread(fd, 20, 8))
os.ftruncate(fd, 100)
print(os.pread(fd, 6, 8), guest.load(area + 8, 6))
os.unlink(path)
null = os.open("/dev/null", os.O_RDONLY)
print([len(ready) for ready in select.select([0, null], [], [], 0)], os.read(0, 5))
r, w = os.pipe()
for call in (
    lambda: os.write(w, memoryview(b"abcdef")[::2]),
    lambda: os.writev(w, [memoryview(b"abcdef")[::2]]),
    lambda: os.readv(r, [memoryview(bytearray(4))[::2]]),
):
    try:
        print(call())
    except BufferError as e:
        print(e)
