"""10,000 processes at once: each has its own copy of a page, and its own status."""

import os

from kos import guest

N = 10_000
RW = guest.PROT_READ | guest.PROT_WRITE
shared = guest.mmap(0, 8 * N, RW, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
own = guest.mmap(0, 4096, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
guest.store64(own, 1)
r, w = os.pipe()
pids = []
for i in range(N):
    pid = os.fork()
    if pid == 0:
        guest.store64(own, guest.load64(own) + i)
        os.close(w)
        os.read(r, 1)  # until everybody is there
        guest.store64(shared + 8 * i, guest.load64(own))
        os._exit(i % 251)
    pids.append(pid)
print("live:", len(set(pids)), "own page:", guest.load64(own))
os.close(w)
wrong = 0
for i, pid in enumerate(pids):
    got, status = os.waitpid(pid, 0)
    wrong += got != pid or os.waitstatus_to_exitcode(status) != i % 251 or guest.load64(shared + 8 * i) != i + 1
print("wrong:", wrong)
