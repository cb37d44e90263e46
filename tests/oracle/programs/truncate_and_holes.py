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
