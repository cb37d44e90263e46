"""What the errors of calls say: type, text, number, names, and that nothing else stands behind them."""

import fcntl
import mmap
import os
import resource
import select
import signal


def error_of(call, *args):
    try:
        print(call(*args))
    except Exception as e:
        print(repr(e), str(e), e.args)
        print(
            "   ",
            *[getattr(e, name, "-") for name in ("errno", "strerror", "filename", "filename2")],
            e.__cause__,
            e.__context__,
        )


os.chdir("/tmp")
for f, a in (
    (os.open, ("nope", 0)),
    (os.stat, ("nope",)),
    (os.rename, ("nope", "b")),
    (os.link, ("nope", "b")),
    (os.symlink, ("a", "nope/b")),
    (os.mkdir, ("/tmp",)),
    (os.rmdir, ("nope",)),
    (os.unlink, (b"nope",)),
    (os.listdir, ("nope",)),
    (os.chdir, ("nope",)),
    (os.truncate, ("nope", 1)),
    (os.chmod, ("nope", 1)),
    (os.readlink, ("nope",)),
    (os.utime, ("nope",)),
    (os.read, (99, 1)),
    (os.write, (99, b"")),
    (os.close, (99,)),
    (os.dup, (99,)),
    (os.dup2, (99, 1)),
    (os.lseek, (99, 0, 0)),
    (os.fstat, (99,)),
    (os.ftruncate, (99, 0)),
    (os.fsync, (99,)),
    (os.pread, (99, 1, 0)),
    (os.readv, (99, [bytearray(1)])),
    (os.isatty, (99,)),
    (os.get_inheritable, (99,)),
    (os.kill, (99999, 0)),
    (os.killpg, (99999, 0)),
    (os.getpgid, (99999,)),
    (os.getsid, (99999,)),
    (os.setpgid, (99999, 0)),
    (os.waitpid, (99999, 0)),
    (os.wait, ()),
    (os.waitid, (os.P_ALL, 0, os.WEXITED)),
    (os.getpriority, (9, 9)),
    (os.sched_getaffinity, (99999,)),
    (os.execv, ("/nope", ["x"])),
    (os.execve, ("/nope", ["x"], {})),
    (os.execvp, ("nope-x", ["x"])),
    (os.posix_spawn, ("/nope", ["x"], {})),
    (os.pipe2, (1,)),
    (os.memfd_create, ("x", 99999)),
    (open, ("nope",)),
    (open, ("/tmp", "w")),
    (fcntl.fcntl, (99, 1)),
    (select.select, ([50], [], [], 0)),
    (signal.setitimer, (9, 1)),
    (signal.signal, (99, 0)),
    (resource.getrlimit, (99,)),
    (resource.setrlimit, (7, (5, 4))),
    (mmap.mmap, (99, 1)),
    (mmap.mmap, (-1, 0)),
    (mmap.mmap, (-1, -1)),
    (os.sched_setaffinity, (0, [9999])),
    (os.get_terminal_size, (99,)),
    (os.removedirs, ("nope",)),
    (os.renames, ("nope", "x")),
    (os.makedirs, ("/tmp",)),
    (os.access, (5, 0)),
    (os.path.getsize, ("nope",)),
    (os.path.samefile, ("nope", "x")),
    (os.setpriority, (9, 9, 9)),
    (os.umask, ("x",)),
    (os.strerror, ("x",)),
    (os.fdopen, (99,)),
    (os.WEXITSTATUS, ("x",)),
    (os.nice, ("x",)),
    (os.getenv, (5,)),
    (os.urandom, (-1,)),
    (os.kill, (1 << 70, 0)),
    (os.kill, (1 << 40, 0)),
    (os.waitpid, (1 << 70, 0)),
    (os.getpgid, (-(1 << 70),)),
    (os.stat, (1 << 40,)),
    (os.replace, (None, "x")),
    (os.replace, ("nope", "x")),
    (os.path.islink, (None,)),
    (os.path.lexists, (1.5,)),
    (os.set_blocking, (99, "x")),
    (os.set_inheritable, (99, None)),
    (signal.siginterrupt, (99, None)),
    (os.fdatasync, (99,)),
):
    print(getattr(f, "__name__", f), end=": ")
    error_of(f, *a)
