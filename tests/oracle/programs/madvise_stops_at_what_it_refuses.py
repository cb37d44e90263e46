#!/usr/bin/env python3
# MADV_WIPEONFORK of a range with shared memory in it is EINVAL, but what stands before that is wiped in the child.
import errno
import os

from kos import guest

P = guest.PAGE_SIZE
RW, FIXED = guest.PROT_READ | guest.PROT_WRITE, guest.MAP_FIXED | guest.MAP_ANONYMOUS
base = guest.mmap(0, 6 * P, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
guest.mmap(base + 2 * P, 2 * P, RW, guest.MAP_SHARED | FIXED)
for page in range(6):
    guest.store8(base + page * P, 10 + page)
try:
    guest.madvise(base + P, 5 * P, guest.MADV_WIPEONFORK)
except OSError as e:
    print(errno.errorcode[e.errno])
pid = os.fork()
if pid == 0:
    print([guest.load8(base + page * P) for page in range(6)], flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print([guest.load8(base + page * P) for page in range(6)])
