"""A pipe can be made smaller while it is empty enough: it is full sooner, and a writer that waits goes on."""

import fcntl
import os
import select
import time

GET, SET = fcntl.F_GETPIPE_SZ, fcntl.F_SETPIPE_SZ
r, w = os.pipe()
print(fcntl.fcntl(r, GET), fcntl.fcntl(w, GET))
for size in (5000, 1, 0, 8192, 8193, 65536, 4096):
    print(size, fcntl.fcntl(w, SET, size), fcntl.fcntl(r, GET))
os.set_blocking(w, False)
print(os.write(w, b"a" * 5000), select.select([r], [w], [], 0) == ([r], [], []))
try:
    os.write(w, b"b")
except BlockingIOError as e:
    print(e)
print(fcntl.fcntl(r, SET, 16384), select.select([], [w], [], 0) == ([], [w], []), os.write(w, b"c" * 99999))
for fd, size in ((w, 4096), (w, 1 << 31 | 1), (0, 4096)):
    try:
        print(fcntl.fcntl(fd, SET, size))
    except OSError as e:
        print(e)
print(len(os.read(r, 9000)), fcntl.fcntl(w, SET, 8192), len(os.read(r, 99999)))

# It holds one page and is full; making it larger lets the writer go on.
fcntl.fcntl(w, SET, 4096)
os.set_blocking(w, True)
pid = os.fork()
if pid == 0:
    os.write(w, b"d" * 12000)
    os._exit(0)
while select.select([], [w], [], 0)[1]:
    time.sleep(0.001)
print(os.waitpid(pid, os.WNOHANG), fcntl.fcntl(r, SET, 65536))
print(os.waitpid(pid, 0)[1], len(os.read(r, 99999)))
