"""pipe gives the lowest free numbers, not inheritable; reading the write end is EBADF."""

import errno
import os

r, w = os.pipe()
print(w - r, os.get_inheritable(r), os.get_blocking(r))
for act in (
    lambda: os.write(r, b"x"),
    lambda: os.read(w, 1),
    lambda: os.lseek(r, 0, os.SEEK_SET),
    lambda: os.close(99),
    lambda: os.pread(r, 1, 0),
):
    try:
        act()
    except OSError as e:
        print(errno.errorcode[e.errno])
os.close(r)
print(os.dup(w) == r)
r2, w2 = os.pipe2(os.O_NONBLOCK)
print(os.get_blocking(r2), os.get_inheritable(w2))
