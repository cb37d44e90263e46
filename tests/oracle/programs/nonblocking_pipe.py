"""A pipe without blocking: EAGAIN when empty and when full, and how much fits."""

import errno
import fcntl
import os

r, w = os.pipe()
os.set_blocking(r, False)
os.set_blocking(w, False)
try:
    os.read(r, 1)
except BlockingIOError as e:
    print(errno.errorcode[e.errno])
total = 0
try:
    while True:
        total += os.write(w, bytes(4096))
except BlockingIOError:
    print("full after", total)
print(len(os.read(r, 5000)), fcntl.fcntl(r, fcntl.F_GETFL) & os.O_NONBLOCK == os.O_NONBLOCK)
os.close(w)
while data := os.read(r, 1 << 16):
    total -= len(data)
print(total)
