"""SIGSEGV and SIGBUS: reading nothing, writing what is read-only, and past a mapped file's end."""

import os
import signal

from kos import guest

P, RW = guest.PAGE_SIZE, guest.PROT_READ | guest.PROT_WRITE
ANON = guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
path = f"/tmp/bad-{os.getpid()}"
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
os.write(fd, b"short")
readonly = guest.mmap(0, P, guest.PROT_READ, ANON)
none = guest.mmap(0, P, guest.PROT_NONE, ANON)
mapped = guest.mmap(0, 2 * P, RW, guest.MAP_SHARED, fd)
gone = guest.mmap(0, P, RW, ANON)
guest.munmap(gone, P)
for act in (
    lambda: guest.load8(16),
    lambda: guest.load8(none),
    lambda: guest.store8(readonly, 1),
    lambda: guest.load(gone, 9),
    lambda: guest.load8(mapped + P),
    lambda: guest.store(mapped + P - 2, b"over"),
    lambda: guest.load(mapped, 5),
):
    pid = os.fork()
    if pid == 0:
        act()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(signal.Signals(-code).name if code < 0 else code)
os.unlink(path)
