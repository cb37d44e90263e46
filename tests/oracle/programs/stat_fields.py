"""stat and fstat agree, and the mode says what it is."""

import os
import stat

path = f"/tmp/stat-{os.getpid()}"
old = os.umask(0o022)
fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
os.write(fd, b"x" * 5000)
a, b = os.stat(path), os.fstat(fd)
print(oct(a.st_mode), a.st_size, a.st_nlink, a == b, stat.S_ISREG(a.st_mode), type(a).__name__, len(a))
print(a.st_mtime == a.st_mtime_ns / 1e9 or abs(a.st_mtime - a.st_mtime_ns / 1e9) < 1e-3, a[6], a.st_blksize > 0)
os.chmod(path, 0o600)
print(oct(stat.S_IMODE(os.stat(path).st_mode)), os.access(path, os.R_OK), os.access(path + "x", os.F_OK))
os.utime(path, (1000, 2000))
print(os.stat(path).st_mtime, os.path.getmtime(path), os.path.getatime(path))
r, w = os.pipe()
print(stat.S_ISFIFO(os.fstat(r).st_mode), stat.S_ISDIR(os.stat("/tmp").st_mode), os.umask(old) == 0o022)
os.unlink(path)
try:
    os.stat(path)
except FileNotFoundError as e:
    print(e.strerror, e.filename == path)
