"""RLIMIT_DATA counts what mprotect makes writable; listing a folder takes a free descriptor; futex timeouts."""

import errno
import os
import resource

from kos import guest


def attempt(label, call):
    try:
        print(label, call())
    except OSError as e:
        print(label, errno.errorcode[e.errno])


SIZE = 1 << 29
PRIVATE = guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
BOTH = guest.PROT_READ | guest.PROT_WRITE
resource.setrlimit(resource.RLIMIT_DATA, (1 << 28, 1 << 28))
attempt("data", lambda: guest.mmap(0, SIZE, BOTH, PRIVATE))
attempt("shared", lambda: guest.mmap(0, SIZE, BOTH, guest.MAP_SHARED | guest.MAP_ANONYMOUS) > 0)
area = guest.mmap(0, SIZE, guest.PROT_READ, PRIVATE)
attempt("becomes data", lambda: guest.mprotect(area, SIZE, BOTH))
attempt("a part", lambda: guest.mprotect(area, 1 << 20, BOTH))
attempt("again", lambda: guest.mprotect(area, 1 << 20, BOTH))
attempt("no data", lambda: guest.mprotect(area, SIZE, guest.PROT_NONE))

os.closerange(3, 100)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 50))
attempt("list", lambda: os.listdir("/tmp"))
attempt("scan", lambda: list(os.scandir("/tmp")))
attempt("pipe", os.pipe)
resource.setrlimit(resource.RLIMIT_NOFILE, (4, 50))
attempt("list", lambda: isinstance(os.listdir("/tmp"), list))
attempt("pipe", os.pipe)
attempt("dup", lambda: os.dup(0))

word = guest.mmap(0, 4096, BOTH, PRIVATE)
for timeout in (-1, 0, 0.01):
    attempt(f"futex {timeout}", lambda seconds=timeout: guest.futex_wait(word, 0, seconds))
