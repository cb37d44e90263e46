"""RLIMIT_FSIZE: a write goes up to the limit, then fails; SIGXFSZ is ignored at first, and kills where it is not."""

import errno
import os
import resource
import signal


def attempt(label, call):
    try:
        print(label, call(), flush=True)
    except OSError as e:
        print(label, errno.errorcode[e.errno], flush=True)


name = f"/tmp/file-size-limit-{os.getpid()}"
r, w = os.pipe()
child = os.fork()
if child == 0:
    out = os.dup(1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 200_000))
    fd = os.open(name, os.O_CREAT | os.O_RDWR)
    attempt("below", lambda: os.write(fd, b"x" * 99_990))
    attempt("up to it", lambda: os.write(fd, b"x" * 600))
    attempt("beyond", lambda: os.write(fd, b"x"))
    attempt("nothing", lambda: os.write(fd, b""))
    attempt("pwrite", lambda: os.pwrite(fd, b"abc", 99_998))
    attempt("pwrite beyond", lambda: os.pwrite(fd, b"abc", 100_000))
    attempt("longer", lambda: os.ftruncate(fd, 100_001))
    attempt("by name", lambda: os.truncate(name, 100_001))
    attempt("shorter", lambda: os.ftruncate(fd, 10))
    attempt("gathered", lambda: os.writev(fd, [b"a" * 50, b"b" * 150_000]))
    attempt("pipe", lambda: os.write(w, b"x" * 5000))
    attempt("memfd", lambda: os.pwrite(os.memfd_create("m"), b"x" * 5000, 98_000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 200_000))
    attempt("raised", lambda: os.pwrite(fd, b"x" * 5000, 148_000))
    signal.signal(signal.SIGXFSZ, lambda number, frame: print("handler", number == signal.SIGXFSZ, flush=True))
    attempt("with a handler", lambda: os.ftruncate(fd, 150_001))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    attempt("partial", lambda: os.pwrite(fd, b"x" * 5000, 149_000))
    attempt("killed", lambda: os.pwrite(fd, b"x" * 5000, 150_000))
    os._exit(1)
status = os.waitpid(child, 0)[1]
print(os.WTERMSIG(status) == signal.SIGXFSZ, os.stat(name).st_size)
os.unlink(name)
