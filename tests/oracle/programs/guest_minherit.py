"""minherit: share, copy and zero, page by page."""

import os

from kos import guest

P, RW, ANON = guest.PAGE_SIZE, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
a = guest.mmap(0, 3 * P, RW, ANON)
for i in range(3):
    guest.store64(a + i * P, 7)
guest.minherit(a, P, guest.INHERIT_SHARE)
guest.minherit(a + P, P, guest.INHERIT_COPY)
guest.minherit(a + 2 * P, P, guest.INHERIT_ZERO)
pid = os.fork()
if pid == 0:
    print("child sees:", [guest.load64(a + i * P) for i in range(3)], flush=True)
    for i in range(3):
        guest.store64(a + i * P, 9)
    os._exit(0)
os.waitpid(pid, 0)
print("parent sees:", [guest.load64(a + i * P) for i in range(3)])
try:
    guest.minherit(a, P, 99)
except OSError as e:
    print(e.strerror)
