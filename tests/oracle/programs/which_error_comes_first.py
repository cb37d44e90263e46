"""Calls with more than one thing wrong, and flags that a file keeps: what Linux looks at first."""

import errno
import fcntl
import os
import signal

from kos import guest

PAGE = guest.PAGE_SIZE
RW = guest.PROT_READ | guest.PROT_WRITE
ANON = guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
TOP = 1 << 47
NOBODY = 2**22 + 1


def attempt(label, call, *args):
    try:
        print(label, call(*args))
    except OSError as e:
        print(label, errno.errorcode[e.errno], e.filename)
    except Exception as e:
        print(label, type(e).__name__)


attempt("kill nobody, no signal", os.kill, NOBODY, 99)
attempt("kill no group, no signal", os.kill, -NOBODY, 99)
attempt("kill me, no signal", os.kill, os.getpid(), 99)
attempt("kill group, no signal", os.kill, 0, -5)
attempt("signal by a float", signal.signal, 10.7, signal.SIG_IGN)
attempt("signal by a text", signal.signal, "10", 0.0)
attempt("signal by another", signal.signal, "ten", signal.SIG_IGN)
print(signal.getsignal(10))

a = guest.mmap(0, 2 * PAGE, RW, ANON)
attempt("mremap above the top", guest.mremap, TOP, PAGE, 2 * PAGE, 1)
attempt("mremap to more than there is", guest.mremap, a, PAGE, 1 << 60, 1)
attempt("mremap of too much", guest.mremap, a, 1 << 60, PAGE, 0)
attempt("mremap of a length that wraps", guest.mremap, a, -1, PAGE, 1)
attempt("mremap to one that wraps", guest.mremap, a, PAGE, -1, 1)
guest.mprotect(a, PAGE, guest.PROT_READ)
attempt("futex on what nobody changes", guest.futex_wait, a, 0, 0.01)
guest.mprotect(a, PAGE, guest.PROT_NONE)
attempt("futex on nothing to read", guest.futex_wake, a, 1)

here = "/tmp/which_error_comes_first"
os.mkdir(here)
os.chdir(here)
os.close(os.open("file", os.O_CREAT))
os.symlink("file", "link")
for name in ("file", ".", "link", "new", "no/new", "file/x", ""):
    attempt("make a directory by open " + name, os.open, name, os.O_CREAT | os.O_DIRECTORY)
fd = os.open("file", os.O_NOFOLLOW | os.O_RDWR)
print(oct(fcntl.fcntl(fd, fcntl.F_GETFL)))
attempt("too large for an int", fcntl.fcntl, fd, fcntl.F_SETFD, 1 << 40)
attempt("a buffer", fcntl.fcntl, fd, fcntl.F_GETFD, b"abc")
attempt("a buffer, nothing open", fcntl.fcntl, 99, fcntl.F_GETFD, b"abc")
attempt("a buffer, too long", fcntl.fcntl, fd, fcntl.F_GETFD, bytes(1025))
attempt("list a file", os.listdir, fd)
attempt("list nothing open", os.listdir, 99)
os.unlink("link")
os.unlink("file")
os.chdir("/")
os.rmdir(here)
