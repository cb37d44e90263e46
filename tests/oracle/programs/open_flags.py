"""O_PATH, O_TMPFILE, O_TRUNC on a folder, RWF_APPEND, -1 as pwritev's offset, room asked for, access's modes."""

import errno
import fcntl
import os


def attempt(label, call):
    try:
        print(label, call())
    except OSError as e:
        print(label, errno.errorcode[e.errno])


home = f"/tmp/open-flags-{os.getpid()}"
os.mkdir(home)
os.chdir(home)
attempt("folder, truncated", lambda: os.open(".", os.O_TRUNC))
attempt("unnamed, read-only", lambda: os.open(".", os.O_TMPFILE | os.O_RDONLY))
attempt("unnamed in a file", lambda: os.open("missing", os.O_TMPFILE | os.O_RDWR))
fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o640)
os.write(fd, b"hello")
info = os.fstat(fd)
print(info.st_nlink, info.st_size, oct(info.st_mode), os.listdir("."))
os.close(fd)

fd = os.open("f", os.O_RDWR | os.O_CREAT)
place = os.open("f", os.O_PATH)
attempt("read", lambda: os.read(place, 1))
attempt("write", lambda: os.write(place, b"x"))
attempt("seek", lambda: os.lseek(place, 0, 0))
attempt("truncate", lambda: os.ftruncate(place, 0))
attempt("flags", lambda: fcntl.fcntl(place, fcntl.F_GETFL) == os.O_PATH)
attempt("stat", lambda: os.path.sameopenfile(place, fd))
folder = os.open(home, os.O_PATH | os.O_DIRECTORY)
os.chdir("/")
os.fchdir(folder)
attempt("here", lambda: os.getcwd() == home)

attempt("write", lambda: os.write(fd, b"abcdef"))
attempt("here", lambda: (os.pwritev(fd, [b"gh"], -1), os.lseek(fd, 0, os.SEEK_CUR)))
attempt("append", lambda: (os.pwritev(fd, [b"ij"], 0, os.RWF_APPEND), os.pread(fd, 100, 0)))
attempt("unknown", lambda: os.pwritev(fd, [b"ij"], 0, 1 << 20))
attempt("room", lambda: (os.posix_fallocate(fd, 5, 100), os.fstat(fd).st_size))
attempt("no room", lambda: os.posix_fallocate(fd, 0, 0))
attempt("shorter", lambda: (os.posix_fallocate(fd, 0, 10), os.fstat(fd).st_size))
other = os.open("g", os.O_RDWR | os.O_CREAT)
attempt("sent", lambda: (os.sendfile(other, fd, 2, 5), os.pread(other, 100, 0), os.lseek(fd, 0, os.SEEK_CUR)))
os.lseek(fd, 0, os.SEEK_SET)
attempt("copied", lambda: (os.copy_file_range(fd, other, 4), os.pread(other, 100, 0), os.lseek(fd, 0, os.SEEK_CUR)))
print([os.access("f", mode) for mode in (os.F_OK, os.R_OK | os.W_OK, 99)])
os.unlink("f")
os.unlink("g")
os.rmdir(home)
