"""A mapping of /dev/zero is anonymous memory: private or shared by what the flags say, opened rights checked."""

import errno
import mmap
import os

from kos import guest

PAGE = guest.PAGE_SIZE
RW = guest.PROT_READ | guest.PROT_WRITE


def attempt(label, call):
    try:
        print(label, call())
    except OSError as e:
        print(label, errno.errorcode[e.errno])


fd = os.open("/dev/zero", os.O_RDWR)
shared = guest.mmap(0, 2 * PAGE, RW, guest.MAP_SHARED, fd)
private = guest.mmap(0, 2 * PAGE, RW, guest.MAP_PRIVATE, fd, 4 * PAGE)
other = guest.mmap(0, PAGE, RW, guest.MAP_SHARED, fd)
print(guest.load64(shared), guest.load64(private + PAGE))
pid = os.fork()
if pid == 0:
    guest.store64(shared, 5)
    guest.store64(private, 6)
    os._exit(0)
os.waitpid(pid, 0)
print(guest.load64(shared), guest.load64(private), guest.load64(other), os.read(fd, 3))
with mmap.mmap(fd, 100, access=mmap.ACCESS_COPY) as m:
    m[:3] = b"abc"
    print(m[:5], len(m))
os.close(fd)
guest.store64(shared + PAGE, 7)
moved = guest.mremap(shared, 2 * PAGE, 3 * PAGE, 1)
print(guest.load64(moved + PAGE))
reading, writing = os.open("/dev/zero", os.O_RDONLY), os.open("/dev/zero", os.O_WRONLY)
attempt("read-only, shared", lambda: guest.mmap(0, PAGE, RW, guest.MAP_SHARED, reading))
attempt("read-only, private", lambda: guest.load8(guest.mmap(0, PAGE, RW, guest.MAP_PRIVATE, reading)))
attempt("write-only", lambda: guest.mmap(0, PAGE, RW, guest.MAP_PRIVATE, writing))
seen = guest.mmap(0, PAGE, guest.PROT_READ, guest.MAP_SHARED, reading)
attempt("made writable", lambda: guest.mprotect(seen, PAGE, RW))
null = os.open("/dev/null", os.O_RDWR)
attempt("null", lambda: guest.mmap(0, PAGE, RW, guest.MAP_PRIVATE, null))
