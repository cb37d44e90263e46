"""A page's worth goes through a pipe whole or not at all; a file gives and takes what user memory there is."""

import errno
import os

from kos import guest

PAGE = guest.PAGE_SIZE
RW = guest.PROT_READ | guest.PROT_WRITE
a = guest.mmap(0, 2 * PAGE, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
guest.store(a, b"m" * PAGE)
guest.mprotect(a + PAGE, PAGE, guest.PROT_NONE)
r, w = os.pipe()


def attempt(name, call):
    try:
        print(name, call())
    except OSError as e:
        print(name, errno.errorcode[e.errno])


attempt("write across", lambda: guest.write(w, a + PAGE - 10, 20))
os.write(w, b"0123456789")
attempt("append across", lambda: guest.write(w, a + PAGE - 10, 20))
attempt("read across", lambda: guest.read(r, a + PAGE - 3, 10))
print(os.read(r, 100))
f = os.memfd_create("pieces")
attempt("file write", lambda: guest.write(f, a + PAGE - 4, 10))
os.lseek(f, 0, 0)
attempt("file read", lambda: guest.read(f, a + PAGE - 3, 10))
attempt("at the end", lambda: guest.read(f, 1 << 63, 10))
attempt("negative", lambda: guest.read(f, a, -1))
attempt("negative write", lambda: guest.write(f, a, -1))
attempt("closed first", lambda: guest.read(99, 1 << 63, 1))
