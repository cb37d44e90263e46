"""pread and pwrite leave the offset alone; a write past the end leaves a hole of zeros."""

import os

path = f"/tmp/pread-{os.getpid()}"
fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
print(os.write(fd, b"0123456789"), os.pread(fd, 3, 4), os.lseek(fd, 0, os.SEEK_CUR))
print(os.pwrite(fd, b"end", 14), os.lseek(fd, 0, os.SEEK_CUR), os.fstat(fd).st_size)
print(os.pread(fd, 99, 8), os.pread(fd, 5, 100))
buffer = bytearray(4)
print(os.preadv(fd, [buffer], 1), buffer, os.pwritev(fd, [b"A", b"B"], 0), os.pread(fd, 3, 0))
try:
    os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
except FileExistsError as e:
    print(e.strerror, e.filename == path)
os.unlink(path)
print(os.fstat(fd).st_nlink, os.pread(fd, 2, 0))
