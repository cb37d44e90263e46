"""MADV_WIPEONFORK and MADV_DONTFORK: what a child finds of marked memory."""

import os
import signal

from kos import guest

P, RW, ANON = guest.PAGE_SIZE, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
a = guest.mmap(0, 3 * P, RW, ANON)
for i in range(3):
    guest.store64(a + i * P, 7)
guest.madvise(a, P, guest.MADV_WIPEONFORK)
guest.madvise(a + P, P, guest.MADV_DONTFORK)
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        print(guest.load64(a), guest.load64(a + 2 * P), flush=True)
        print(guest.load64(a + P), flush=True)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print("child:", signal.Signals(-code).name if code else code, "parent:", guest.load64(a), guest.load64(a + P))
    guest.madvise(a, P, guest.MADV_KEEPONFORK)
    guest.madvise(a + P, P, guest.MADV_DOFORK)
