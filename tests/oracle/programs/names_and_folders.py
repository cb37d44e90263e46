"""dir_fd and what else the calls on names take: owners, times through links and descriptors, file system's sizes."""

import errno
import os


def attempt(label, call):
    try:
        print(label, call())
    except OSError as e:
        print(label, type(e).__name__, errno.errorcode[e.errno], e.filename, e.filename2)
    except Exception as e:
        print(label, type(e).__name__, e)


home = f"/tmp/names-and-folders-{os.getpid()}"
os.mkdir(home)
os.chdir(home)
os.umask(0o22)
os.mkdir("d")
D = os.open("d", os.O_RDONLY)
attempt("open", lambda: os.write(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=D), b"hey"))
attempt("stat", lambda: os.stat("f", dir_fd=D).st_size)
attempt("lstat", lambda: os.lstat("f", dir_fd=D).st_size)
attempt("mkdir", lambda: os.mkdir("e", dir_fd=D))
attempt("rename", lambda: os.rename("f", "g", src_dir_fd=D, dst_dir_fd=D))
attempt("link", lambda: os.link("g", "h", src_dir_fd=D, dst_dir_fd=D))
attempt("link out", lambda: os.link("g", "out", src_dir_fd=D))
attempt("symlink", lambda: os.symlink("g", "s", dir_fd=D))
attempt("readlink", lambda: os.readlink("s", dir_fd=D))
attempt("readlinkb", lambda: os.readlink(b"s", dir_fd=D))
attempt("chmod", lambda: (os.chmod("g", 0o600, dir_fd=D), oct(os.stat("d/g").st_mode)))
attempt("chmod nf", lambda: os.chmod("d/s", 0o600, follow_symlinks=False))
attempt("ls", lambda: (sorted(os.listdir("d")), sorted(os.listdir(D)), sorted(os.listdir("."))))
attempt("abs", lambda: os.stat("/tmp", dir_fd=D) is not None)
attempt("missing", lambda: os.stat("nope", dir_fd=D))
attempt("empty", lambda: os.stat("", dir_fd=D))
attempt("bad", lambda: os.stat("f", dir_fd=77))
attempt("bad", lambda: os.open("f", 0, dir_fd=77))
attempt("bad", lambda: os.stat("f", dir_fd="x"))
attempt("bad", lambda: os.stat(0, dir_fd=D))
attempt("file", lambda: os.stat("f", dir_fd=os.open("d/g", os.O_RDONLY)))
attempt("dotdot", lambda: os.stat("..", dir_fd=D).st_ino == os.stat(".").st_ino)
os.rename("d", "moved")
attempt("moved", lambda: os.stat("g", dir_fd=D).st_size)
attempt("utime", lambda: (os.utime("g", (5, 6), dir_fd=D), os.stat("moved/g").st_mtime))
attempt("utime", lambda: (os.utime(os.open("moved/g", 0), (7, 8)), os.stat("moved/g").st_mtime))
attempt(
    "utime",
    lambda: (
        os.utime("moved/s", (9, 9), follow_symlinks=False),
        os.stat("moved/g").st_mtime,
        os.lstat("moved/s").st_mtime,
    ),
)
attempt("chown", lambda: os.chown("g", -1, -1, dir_fd=D))
attempt("chown missing", lambda: os.chown("zz", 1, 1))
attempt("rmdir", lambda: os.rmdir("e", dir_fd=D))
attempt("unlink", lambda: (os.unlink("g", dir_fd=D), os.remove("h", dir_fd=D), os.unlink("s", dir_fd=D)))
os.rmdir("moved")
attempt("gone", lambda: os.open("x", os.O_CREAT, dir_fd=D))
attempt("gone", lambda: os.listdir(D))
attempt("fsp", lambda: os.stat(type("P", (), {"__fspath__": lambda self: 5})()))
attempt("fsp", lambda: os.stat(5.5))
attempt("svfs", lambda: os.statvfs("zz"))
attempt("svfs", lambda: (os.statvfs(".").f_namemax, os.fstatvfs(D).f_namemax))
os.unlink("out")
os.rmdir(home)
