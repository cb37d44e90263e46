"""INHERIT_ZERO: the child's memory is zeros, whatever the parent's shows, and so is that of its own children."""

import os
import sys

from kos import guest

P, RW = guest.PAGE_SIZE, guest.PROT_READ | guest.PROT_WRITE
fd = os.memfd_create("file")
os.write(fd, b"F" * P)
MADE = {
    "private": guest.mmap(0, P, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS),
    "shared": guest.mmap(0, P, RW, guest.MAP_SHARED | guest.MAP_ANONYMOUS),
    "file, private": guest.mmap(0, P, RW, guest.MAP_PRIVATE, fd),
    "file, private, written": guest.mmap(0, P, RW, guest.MAP_PRIVATE, fd),
    "file, shared": guest.mmap(0, P, RW, guest.MAP_SHARED, fd),
}
for name, at in MADE.items():
    if name != "file, private":
        guest.store(at, b"old")
    guest.minherit(at, P, guest.INHERIT_ZERO)


def tell(who):
    print(who, {name: guest.load(at, 3) for name, at in MADE.items()}, flush=True)


tell("parent")
sys.stdout.flush()
if os.fork() == 0:
    tell("child")
    for at in MADE.values():
        guest.store(at, b"new")
    if os.fork() == 0:
        tell("grandchild")
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
tell("parent")
