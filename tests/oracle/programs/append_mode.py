"""O_APPEND: every write goes to the end, wherever the offset was and whoever wrote before."""

import os

path = f"/tmp/append-{os.getpid()}"
fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
os.write(fd, b"one ")
os.lseek(fd, 0, os.SEEK_SET)
pid = os.fork()
if pid == 0:
    os.write(fd, b"two ")
    os._exit(0)
os.waitpid(pid, 0)
os.write(fd, b"three")
print(os.pread(fd, 99, 0), os.lseek(fd, 0, os.SEEK_CUR))
with open(path, "a") as f:
    print(f.tell(), f.write("!"))
print(os.stat(path).st_size)
os.unlink(path)
