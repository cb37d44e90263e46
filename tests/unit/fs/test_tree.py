"""kos/fs/{namei,dirs,open,regular}.py: names and files in memory behave as on the host; most tests ask it."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kos.errors import GuestFault
from kos.fs.structs import dirents, inodes
from kos.mm.structs import mappings

# Each line is one call; {d} is a fresh directory. Run against the host and against kos, results compared whole.
SCRIPT = """
mkdir {d}/sub
mkdir {d}/sub
mkdir {d}/no/sub
mkdir {d}/slash/
new {d}/sub/f
new {d}/sub/f
mkdir {d}/sub/f
mkdir {d}/sub/f/x
unlink {d}/absent
unlink {d}/sub
rmdir {d}/absent
rmdir {d}/sub/f
rmdir {d}/sub
rmdir {d}/sub/.
rmdir {d}/sub/..
rmdir {d}/slash/
unlink {d}/sub/f/
unlink {d}/sub/.
open {d}/sub/f/
open {d}/sub/f/x
open {d}/nothing/
creat {d}/made/
creat {d}/sub
write {d}/sub/f hello
link {d}/sub/f {d}/g
link {d}/sub {d}/h
link {d}/sub/f {d}/g
link {d}/absent {d}/h
nlink {d}/g
rename {d}/sub/f {d}/g
nlink {d}/g
rename {d}/sub/f {d}/f2
unlink {d}/g
nlink {d}/f2
rename {d}/absent {d}/x
rename {d}/f2 {d}/sub
rename {d}/sub {d}/f2
rename {d}/sub {d}/sub/below
rename {d}/sub/. {d}/x
mkdir {d}/empty
rename {d}/sub {d}/empty
ls {d}
write {d}/empty/in text
mkdir {d}/other
rename {d}/other {d}/empty
rename {d}/empty {d}/other
ls {d}
ls {d}/other
read {d}/other/in
ls {d}/f2
symlink other {d}/ln
symlink {d}/loop {d}/loop
symlink nowhere {d}/dangling
readlink {d}/ln
readlink {d}/other
read {d}/ln/in
read {d}/loop
open {d}/dangling
creat {d}/dangling
ls {d}
unlink {d}/ln
rmdir {d}/ln
stat {d}/other/in
stat {d}/other/in/x
truncate {d}/other/in 2
read {d}/other/in
truncate {d}/other/in 5
read {d}/other/in
truncate {d}/other 1
truncate {d}/other/in -1
chdir {d}/other/in
chdir {d}/absent
name {d} 255
name {d} 256
empty
ls {d}/other/../other/./
parentlinks {d}
rename {d}/f2 {d}/other/
rename {d}/f2/ {d}/x
rename {d}/f2 {d}/x/
chmod {d}/f2 0o640
mode {d}/f2
access {d}/f2 1
access {d}/f2 4
access {d}/absent 0
"""


class Host:
    """The host's calls, with the interface of the kernel's."""

    def run(self, line: str) -> object:
        try:
            return perform(OS_CALLS, line)
        except OSError as e:
            return errno.errorcode[e.errno]


class Kos:
    def __init__(self, k: Any) -> None:
        self.calls = k

    def run(self, line: str) -> object:
        try:
            return perform(self.calls, line)
        except GuestFault as e:
            return errno.errorcode[e.errno]


class OsCalls:
    """os under the kernel's names."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(os, name)

    def stat(self, path: str, follow: bool = True) -> tuple[int, ...]:
        st = os.stat(path, follow_symlinks=follow)
        return st.st_mode, 0, 0, st.st_nlink, 0, 0, st.st_size


OS_CALLS = OsCalls()


def perform(c: Any, line: str) -> object:
    verb, *args = line.split(" ")
    if verb in ("new", "open", "creat"):
        flags = {"new": os.O_CREAT | os.O_EXCL | os.O_RDWR, "open": os.O_RDONLY, "creat": os.O_CREAT | os.O_WRONLY}
        c.close(c.open(args[0], flags[verb], 0o600))
        return "opened"
    if verb in ("write", "read"):
        fd = c.open(args[0], os.O_RDWR | (os.O_CREAT if verb == "write" else 0), 0o600)
        try:
            return c.write(fd, args[1].encode()) if verb == "write" else c.read(fd, 100)
        finally:
            c.close(fd)
    if verb == "empty":
        return c.open("", os.O_RDONLY, 0)
    if verb == "ls":
        return sorted(c.listdir(args[0]))
    if verb == "stat":
        st = c.stat(args[0])
        return st[0], st[3], st[6]
    if verb == "mode":
        return oct(c.stat(args[0])[0])
    if verb == "nlink":
        return c.stat(args[0])[3]
    if verb == "parentlinks":
        return c.stat(args[0])[3]
    if verb == "name":
        return c.mkdir(args[0] + "/" + "n" * int(args[1]), 0o755)
    if verb in ("truncate", "access"):
        return getattr(c, verb)(args[0], int(args[1]))
    if verb == "chmod":
        return c.chmod(args[0], int(args[1], 8))
    if verb == "mkdir":
        return c.mkdir(args[0], 0o755)
    return getattr(c, verb)(*args)


def test_names_as_on_the_host(k: Any, tmp_path: Path):
    """Every result and errno of the script, in order, is the host's."""
    there = tmp_path / "d"
    there.mkdir()
    k.mkdir("/tmp/d", 0o777)
    k.umask(old := os.umask(0o22))
    os.umask(old)
    host, kos = Host(), Kos(k)
    for line in SCRIPT.strip("\n").splitlines():
        if "symlink" in line and "{d}" in line.split(" ")[1]:
            expected = host.run(line.format(d=there))
            assert kos.run(line.format(d="/tmp/d")) == expected, line
            continue
        expected = host.run(line.format(d=there))
        found = kos.run(line.format(d="/tmp/d"))
        assert found == expected, line


def test_contents_offsets_and_modes(k: Any):
    """Read, write, pread, pwrite, append and seek; the wrong way round is EBADF."""
    fd = k.open("/tmp/f", os.O_CREAT | os.O_RDWR, 0o600)
    assert k.write(fd, b"hello world") == 11
    assert k.pwrite(fd, b"W", 6) == 1
    assert k.pread(fd, 5, 6) == b"World"
    assert k.lseek(fd, 0, os.SEEK_CUR) == 11
    assert [k.errno("lseek", fd, -1, 0), k.errno("lseek", fd, 0, 99), k.errno("lseek", fd, -12, 2)] == [
        errno.EINVAL
    ] * 3
    assert k.lseek(fd, 100, os.SEEK_END) == 111
    assert k.write(fd, b"!") == 1
    assert k.pread(fd, 200, 11) == bytes(100) + b"!"
    add = k.open("/tmp/f", os.O_WRONLY | os.O_APPEND, 0)
    assert k.write(add, b"end") == 3 and k.lseek(add, 0, 1) == 115
    assert k.errno("read", add, 1) == errno.EBADF
    ro = k.open("/tmp/f", os.O_RDONLY, 0)
    assert k.errno("write", ro, b"x") == errno.EBADF and k.errno("ftruncate", ro, 0) == errno.EINVAL
    k.ftruncate(fd, 5)
    assert k.read(ro, 100) == b"hello"
    assert k.readv(ro, [3, 4]) == (0, [b"", b""])
    k.lseek(ro, 0, 0)
    assert k.readv(ro, [3, 4]) == (5, [b"hel", b"lo"])
    assert k.writev(fd, [b"", b"ab", b"", b"cd"]) == 4
    cut = k.open("/tmp/f", os.O_WRONLY | os.O_TRUNC, 0)
    assert k.fstat(cut)[6] == 0


def test_directories_are_not_read_as_files(k: Any):
    d = k.open("/tmp", os.O_RDONLY | os.O_DIRECTORY, 0)
    assert k.errno("read", d, 1) == errno.EISDIR
    assert k.errno("open", "/tmp", os.O_RDWR, 0) == errno.EISDIR
    assert k.errno("open", "/dev/null", os.O_RDONLY | os.O_DIRECTORY, 0) == errno.ENOTDIR
    k.mkdir("/tmp/in", 0o755)
    assert k.listdir(d) == k.listdir("/tmp")
    assert "in" in k.listdir(d)
    k.fchdir(d)
    assert k.getcwd() == "/tmp"


def test_an_unlinked_file_lives_while_it_is_open(k: Any):
    """And its frames and its inode are gone with the last descriptor."""
    before = inodes.head.nr_used, dirents.head.nr_used, mappings.head.nr_used
    fd = k.open("/tmp/f", os.O_CREAT | os.O_RDWR, 0o600)
    k.write(fd, b"x" * 10000)
    k.unlink("/tmp/f")
    other = k.dup(fd, 0, False)
    k.close(fd)
    assert k.pread(other, 5, 9990) == b"xxxxx" and k.fstat(other)[3] == 0
    k.close(other)
    assert (inodes.head.nr_used, dirents.head.nr_used, mappings.head.nr_used) == before


def test_the_current_directory(k: Any):
    """Relative paths start there; a removed one has no name and takes no files."""
    k.mkdir("/tmp/here", 0o755)
    k.chdir("/tmp/here")
    k.close(k.open("f", os.O_CREAT | os.O_WRONLY, 0o600))
    assert k.getcwd() == "/tmp/here" and k.listdir(".") == ["f"] and k.listdir("../here/.") == ["f"]
    k.rename("/tmp/here", "/tmp/there")
    assert k.getcwd() == "/tmp/there"
    k.unlink("f")
    k.rmdir("/tmp/there")
    assert k.errno("getcwd") == errno.ENOENT
    assert k.errno("open", "f", os.O_CREAT | os.O_WRONLY, 0o600) == errno.ENOENT
    assert k.listdir("..") == k.listdir("/tmp")
    k.chdir("/")


def test_errors_name_the_path(k: Any):
    """OSError.filename comes from here."""
    with pytest.raises(GuestFault) as e:
        k.open("/tmp/none", os.O_RDONLY, 0)
    assert e.value.filename == "/tmp/none"
    with pytest.raises(GuestFault) as e:
        k.rename("/tmp/a", "/tmp/b")
    assert (e.value.filename, e.value.filename2) == ("/tmp/a", "/tmp/b")


def test_what_is_not_writable(k: Any):
    """Only /tmp is."""
    assert k.errno("mkdir", "/new", 0o755) == errno.EROFS
    assert k.errno("unlink", "/dev/null") in (errno.EROFS, errno.EBUSY)
    assert k.errno("rmdir", "/tmp") == errno.EBUSY
    assert sorted(k.listdir("/"))[:2] == ["dev", "proc"]


def test_devices(k: Any):
    null, zero, full = (k.open(f"/dev/{name}", os.O_RDWR, 0) for name in ("null", "zero", "full"))
    assert k.write(null, b"gone") == 4 and k.read(null, 10) == b""
    assert k.read(zero, 4) == bytes(4) and k.write(zero, b"x") == 1
    assert k.errno("write", full, b"x") == errno.ENOSPC and k.read(full, 2) == bytes(2)
    assert stat.S_ISCHR(k.fstat(null)[0])
    assert len(k.read(k.open("/dev/urandom", os.O_RDONLY, 0), 100_000)) == 100_000


def test_memfd(k: Any):
    fd = k.memfd_create("m", 0)
    assert k.ftruncate(fd, 10) is None and k.pread(fd, 20, 0) == bytes(10)
    assert k.fcntl(fd, 1, 0) == 0
    assert k.errno("memfd_create", "x" * 250, 0) == errno.EINVAL


def test_creators_race_for_one_name(k: Any):
    """Of three CPUs that create a name exclusively, one wins each round; the tree stays whole (audit)."""

    def contend() -> int:
        won = 0
        for n in range(100):
            if not k.errno("mkdir", f"/tmp/r{n}", 0o755):
                won += 1
            fd = k.open(f"/tmp/r{n}/f", os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
            k.write(fd, b"x")
            k.close(fd)
            k.errno("rename", f"/tmp/r{n}/f", f"/tmp/g{n % 7}")
        return won

    joins = [k.on_cpu(cpu, contend) for cpu in (1, 2, 3)]
    assert sum(join() for join in joins) == 100


def test_appenders_do_not_overwrite_each_other(k: Any):
    """O_APPEND on three CPUs: every record whole and counted."""

    def append(who: int) -> str:
        fd = k.open("/tmp/log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        for n in range(200):
            k.write(fd, b"%d:%05d\n" % (who, n))
        k.close(fd)
        return "done"

    joins = [k.on_cpu(cpu, lambda cpu=cpu: append(cpu)) for cpu in (1, 2, 3)]
    assert [join() for join in joins] == ["done"] * 3
    fd = k.open("/tmp/log", os.O_RDONLY, 0)
    lines = k.read(fd, 1 << 20).splitlines()
    assert len(lines) == 600
    for who in (1, 2, 3):
        assert [x for x in lines if x[:1] == b"%d" % who] == [b"%d:%05d" % (who, n) for n in range(200)]


def test_a_shared_offset_hands_out_each_byte_once(k: Any):
    """Two CPUs read through one open file: together they get everything, nothing twice."""
    fd = k.open("/tmp/numbers", os.O_CREAT | os.O_RDWR, 0o600)
    k.write(fd, b"".join(b"%07d\n" % n for n in range(2000)))
    k.lseek(fd, 0, 0)

    def take() -> bytes:
        got = b""
        while piece := k.read(fd, 8):
            got += piece
        return got

    joins = [k.on_cpu(cpu, take) for cpu in (1, 2)]
    both = b"".join(join() for join in joins)
    assert sorted(both.split()) == [b"%07d" % n for n in range(2000)]


def test_no_memory_for_a_file_is_enospc(k: Any):
    """A file larger than the machine stops growing cleanly; what was written is there."""
    fd = k.open("/tmp/big", os.O_CREAT | os.O_RDWR, 0o600)
    done = 0
    while not k.errno("pwrite", fd, bytes([1]) * 1_000_000, done):
        done = k.fstat(fd)[6]
        assert done < 32 << 20
    assert k.errno("write", fd, b"x") == 0
    k.close(fd)
    k.unlink("/tmp/big")
