"""O_TRUNC without write access, access mode 3, dup2 onto itself, blocks of a file with holes."""

import errno
import fcntl
import os

path = "/tmp/open_and_dup_corners"


def attempt(name, call):
    try:
        print(name, call())
    except OSError as e:
        print(name, errno.errorcode[e.errno])


fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
print(hex(fcntl.fcntl(fd, fcntl.F_GETFL)))
os.write(fd, b"0123456789")
os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
print(os.fstat(fd).st_size)
neither = os.open(path, 3)
attempt("read", lambda: os.read(neither, 1))
attempt("write", lambda: os.write(neither, b"x"))
attempt("dup2", lambda: os.dup2(fd, fd) == fd)
print(os.get_inheritable(fd))
attempt("dup2 closed", lambda: os.dup2(99, 99))
attempt("dup2 not inheritable", lambda: os.dup2(fd, fd, inheritable=False))
os.pwrite(fd, b"x", 0)
os.ftruncate(fd, 1 << 20)
print(os.fstat(fd).st_blocks)
os.unlink(path)
