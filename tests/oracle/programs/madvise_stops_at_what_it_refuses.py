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

# MADV_POPULATE_*: page by page up to the first that cannot be. MADV_REMOVE: mapping by mapping.
READ_IN, WRITE_IN = 22, 23
memory = os.memfd_create("m")
os.truncate(memory, 2 * P)
guest.mmap(base, 2 * P, RW, guest.MAP_PRIVATE | FIXED)
guest.mmap(base + 2 * P, P, guest.PROT_WRITE, guest.MAP_PRIVATE | FIXED)
guest.mmap(base + 3 * P, P, guest.PROT_NONE, guest.MAP_PRIVATE | FIXED)
guest.munmap(base + 4 * P, P)


def attempt(at, pages, advice):
    try:
        guest.madvise(base + at * P, pages * P, advice)
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]


print(attempt(0, 6, WRITE_IN), guest.mincore(base, 4 * P))
print(attempt(2, 1, READ_IN), attempt(3, 2, WRITE_IN), attempt(4, 1, WRITE_IN), attempt(2, 1, WRITE_IN))
guest.mmap(base + P, 2 * P, RW, guest.MAP_SHARED | guest.MAP_FIXED, memory)
guest.store8(base + P, 1)
guest.store8(base + 2 * P, 2)
print(attempt(1, 3, 9), guest.load8(base + P), guest.load8(base + 2 * P), os.pread(memory, 1, 0), attempt(0, 2, 9))
guest.store8(base + P, 3)
guest.mprotect(base + P, P, guest.PROT_READ)
print(attempt(1, 1, 9), guest.load8(base + P))
guest.mmap(base + P, P, RW, guest.MAP_PRIVATE | guest.MAP_FIXED, memory)
print(attempt(1, 1, 9))
