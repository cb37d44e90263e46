"""The toy kernel's `os`: guest code, so that its waits can be captured."""

from toymachine import kernel, trap

FORK, BLOCK, EXIT = "fork", "block", "exit"


def fork():
    pid = trap((FORK,)[0])
    if pid == 0:
        kernel.world().forked()
    return pid


def _exit(status):
    kernel.exit(status)
    trap(EXIT)


def getpid():
    return kernel.pid()


def getppid():
    return kernel.ppid()


def waitpid(pid, options):
    while True:
        found = kernel.try_wait(pid)
        if found is not None:
            return found
        trap(BLOCK)


def wait():
    return waitpid(-1, 0)


def pipe():
    return kernel.pipe(False)


def pipe2(flags):
    return kernel.pipe(bool(flags))


def read(fd, n):
    while True:
        data = kernel.try_read(fd, n)
        if data is not None:
            return data
        trap(BLOCK)


def write(fd, data):
    return kernel.write(fd, bytes(data))


def close(fd):
    kernel.close(fd)


def dup(fd):
    return kernel.dup(fd)


def dup2(fd, other, inheritable=True):
    return kernel.dup2(fd, other)


def open(path, flags, mode=0o777):
    return kernel.open(path, flags, mode)


def lseek(fd, at, whence):
    return kernel.lseek(fd, at, whence)


def fstat(fd):
    return kernel.fstat(fd)


def ftruncate(fd, size):
    return kernel.ftruncate(fd, size)


def isatty(fd):
    return False


def set_inheritable(fd, inheritable):
    return None


def get_inheritable(fd):
    return False
