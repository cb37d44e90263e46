"""ftruncate and truncate cut and extend; what is added reads as zeros."""

import os

path = f"/tmp/trunc-{os.getpid()}"
with open(path, "wb") as f:
    f.write(b"0123456789")
os.truncate(path, 4)
fd = os.open(path, os.O_RDWR)
os.ftruncate(fd, 8)
print(os.read(fd, 99))
for act in (lambda: os.ftruncate(fd, -1), lambda: os.truncate(path + "x", 1), lambda: os.ftruncate(os.pipe()[0], 1)):
    try:
        act()
    except OSError as e:
        print(type(e).__name__, e.strerror)
os.unlink(path)

# Offsets are signed: what would reach further is refused before anything is looked at.
fd = os.memfd_create("far")
END = (1 << 63) - 1
for label, call in (
    ("write at the end", lambda: os.pwrite(fd, b"a", END)),
    ("write across the end", lambda: os.pwrite(fd, b"abc", END - 2)),
    ("read across the end", lambda: os.pread(fd, 10, END - 5)),
    ("read before the end", lambda: os.pread(fd, 5, END - 5)),
    ("seek to the end", lambda: os.lseek(fd, END, os.SEEK_SET) == END),
    ("seek past the end", lambda: os.lseek(fd, 1, os.SEEK_CUR)),
    ("read there", lambda: os.read(fd, 1)),
    ("write there", lambda: os.write(fd, b"a")),
    ("write nothing there", lambda: os.write(fd, b"")),
):
    try:
        print(label, call())
    except OSError as e:
        print(label, e.strerror)
