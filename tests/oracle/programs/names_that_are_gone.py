"""/proc shows the last name of a file or folder that has none: of a descriptor, a mapping, the current directory."""

import mmap
import os

from kos import guest

P, RW = guest.PAGE_SIZE, guest.PROT_READ | guest.PROT_WRITE
base = f"/tmp/gone-{os.getpid()}"
os.mkdir(base)
os.chdir(base)


def link(fd):
    return os.readlink(f"/proc/self/fd/{fd}").replace(base, "BASE")


def mapped(address):
    for line in open("/proc/self/maps"):
        words = line.rstrip("\n").split(None, 5)
        low, high = (int(word, 16) for word in words[0].split("-"))
        if low <= address < high:
            return words[5].replace(base, "BASE") if len(words) > 5 else "", int(words[4])


def shared_kb():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssShmem:"))


fd = os.open("file", os.O_RDWR | os.O_CREAT)
os.write(fd, b"bytes")
ino = os.fstat(fd).st_ino
a = guest.mmap(0, P, RW, guest.MAP_SHARED, fd)
print(link(fd), mapped(a)[0], mapped(a)[1] == ino)
os.rename("file", "third")
print(link(fd), mapped(a)[0])
open("new", "w").close()
os.rename("new", "third")
print(link(fd), mapped(a)[0], os.fstat(fd).st_nlink)
os.close(fd)
print(mapped(a)[0], mapped(a)[1] == ino, guest.load(a, 5))
os.mkdir("folder")
at = os.open("folder", os.O_RDONLY)
os.chdir("folder")
os.rmdir("../folder")
print(link(at), os.readlink("/proc/self/cwd").replace(base, "BASE"))
os.chdir("..")

memory = os.memfd_create("some name")
other = os.memfd_create("")
print(link(memory), link(other))
os.write(memory, b"m" * 3 * P)
before = shared_kb()
b = guest.mmap(0, 3 * P, RW, guest.MAP_SHARED, memory)
c = guest.mmap(0, 4 * P, RW, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
print(guest.load8(b), guest.load8(b + 2 * P), guest.load8(c))
guest.store8(c + P, 1)
print(mapped(b)[0], mapped(c)[0])
os.close(memory)
print(mapped(b)[0], shared_kb() - before >= 16)
m = mmap.mmap(other, 0) if os.write(other, b"x") else None
print(any("/memfd: (deleted)" in line for line in open("/proc/self/maps")), m[:])
os.unlink("third")
os.rmdir(base)
