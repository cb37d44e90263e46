"""vfork: the child runs first and on the parent's memory; its Python objects are its own."""

import os

from kos import guest

a = guest.mmap(0, 4096, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
log = ["parent"]
pid = guest.vfork()
if pid == 0:
    log.append("child")
    guest.store64(a, os.getppid())
    os._exit(6)
print(guest.load64(a) == os.getpid(), log, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
pid = os.fork()
if pid == 0:
    guest.store64(a, 1)
    os._exit(0)
os.waitpid(pid, 0)
print(guest.load64(a) == os.getpid())
