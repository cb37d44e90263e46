"""Each page that is touched first is one minor fault of the process; a child's are counted when it is waited for."""

import os
import resource

from kos import guest

PAGES = 64
RW = guest.PROT_READ | guest.PROT_WRITE


def touch():
    area = guest.mmap(0, PAGES * guest.PAGE_SIZE, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
    for i in range(PAGES):
        guest.store8(area + i * guest.PAGE_SIZE, 1)


def faults(who):
    return resource.getrusage(who).ru_minflt


before = faults(resource.RUSAGE_SELF)
touch()
print(faults(resource.RUSAGE_SELF) - before >= PAGES)
before = faults(resource.RUSAGE_CHILDREN)
pid = os.fork()
if pid == 0:
    touch()
    os._exit(0)
usage = os.wait4(pid, 0)[2]
print(usage.ru_minflt >= PAGES, faults(resource.RUSAGE_CHILDREN) - before >= PAGES)
