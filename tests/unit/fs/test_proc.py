"""kos/fs/proc*.py: /proc reads as Linux's does; the host's own files say how."""

import errno
import os
import re
import struct
from typing import Any

import pytest

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.mm import mmap as maps
from kos.mm import uaccess
from kos.params import PAGE_SIZE

READ_WRITE, PRIVATE_ANONYMOUS = 3, 0x22


def text(k: Any, path: str) -> str:
    fd = k.open(path, os.O_RDONLY, 0)
    try:
        data = b""
        while piece := k.read(fd, 700):
            data += piece
        return data.decode()
    finally:
        k.close(fd)


@pytest.fixture
def page(k: Any) -> int:
    """Three pages of anonymous memory, the second one written."""
    at = int(maps.do_mmap(this.mm, 0, 3 * PAGE_SIZE, READ_WRITE, PRIVATE_ANONYMOUS))
    uaccess.copy_to_user(this.mm, at + PAGE_SIZE, b"x")
    return at


def test_maps_and_smaps(k: Any, page: int):
    """One line a mapping; what is resident is counted."""
    line = next(x for x in text(k, "/proc/self/maps").splitlines() if x.startswith(f"{page:08x}"))
    assert line == f"{page:08x}-{page + 3 * PAGE_SIZE:08x} rw-p 00000000 00:00 0 "
    smaps = text(k, f"/proc/{this.task.pid}/smaps").split(line)[1]
    wanted = {"Size": 12, "Rss": 4, "Private_Dirty": 4, "Anonymous": 4, "KernelPageSize": 4}
    for name, kb in wanted.items():
        assert re.search(rf"^{name}: +{kb} kB$", smaps, re.M), name
    with open("/proc/self/smaps") as f:
        host = dict(x.split(":", 1) for x in f.read().splitlines() if ":" in x[:24])
    ours = dict(x.split(":", 1) for x in smaps.splitlines() if ":" in x[:24])
    assert len(ours["Rss"]) == len(host["Rss"]) and set(ours) <= set(host)


def test_a_mapped_file_is_named(k: Any):
    """At the column where Linux puts the name, with its inode's number; marked when it is gone."""
    fd = k.open("/tmp/file", os.O_CREAT | os.O_RDWR, 0o600)
    k.write(fd, b"x" * 5000)
    from kos.mm.filemap import file_ops
    from kos.mm.pagecache import put_mapping

    mapped = file_ops.file_of_fd(fd)
    at = maps.do_mmap(this.mm, 0, 8192, 1, 1, mapped, 0)
    line = next(x for x in text(k, "/proc/self/maps").splitlines() if x.startswith(f"{at:08x}"))
    assert line.index("/tmp/file") == 73 and f" {k.fstat(fd)[1]} " in line and "r--s" in line
    maps.do_munmap(this.mm, at, 8192)
    put_mapping(mapped.mapping)


def test_pagemap_is_binary_and_seekable(k: Any, page: int):
    """Eight bytes a page, bit 63 = present; what is not whole words is EINVAL."""
    fd = k.open("/proc/self/pagemap", os.O_RDONLY, 0)
    words = struct.unpack("<3Q", k.pread(fd, 24, page // PAGE_SIZE * 8))
    assert [w >> 63 for w in words] == [0, 1, 0]
    k.lseek(fd, page // PAGE_SIZE * 8 + 8, os.SEEK_SET)
    assert k.read(fd, 8) == struct.pack("<Q", words[1]) and k.read(fd, 8) == bytes(8)
    assert k.errno("pread", fd, 4, 0) == errno.EINVAL


def test_status_stat_and_statm(k: Any, page: int):
    """Linux's rows in Linux's order, its 52 fields, and the numbers agree with each other."""
    status = text(k, "/proc/self/status").splitlines()
    rows = dict(x.split(":\t", 1) for x in status)
    with open("/proc/self/status") as f:
        host = [x.split(":")[0] for x in f]
    names = [x.split(":")[0] for x in status]
    assert names == [x for x in host if x in names]
    assert rows["Pid"] == str(this.task.pid) and rows["State"] == "R (running)" and rows["Threads"] == "0"
    stat = text(k, "/proc/self/stat")
    fields = stat.rpartition(") ")[2].split()
    assert stat.startswith(f"{this.task.pid} (unit) R ") and len(fields) == 50
    statm = text(k, "/proc/self/statm").split()
    assert len(statm) == 7 and int(fields[20]) == int(statm[0]) * PAGE_SIZE and fields[21] == statm[1]
    assert rows["VmSize"].split() == [str(int(statm[0]) * 4), "kB"]
    assert text(k, "/proc/self/comm") == "unit\n"


def test_the_machines_texts(k: Any):
    """Each line has the form of one in the host's file of the same name."""
    with open("/proc/meminfo") as f:
        host = {x[:16]: len(x) for x in f.read().splitlines()}
    for line in text(k, "/proc/meminfo").splitlines():
        assert host[line[:16]] == len(line) and line.endswith(" kB") != line.startswith("HugePages_")
    with open("/proc/vmstat") as f:
        names = {x.split()[0] for x in f}
    ours = [x.split() for x in text(k, "/proc/vmstat").splitlines()]
    assert {x for x, _ in ours if "tlb" not in x} <= names and all(n.isdigit() for _, n in ours)
    with open("/proc/stat") as f:
        rows = {x.split()[0]: len(x.split()) for x in f}
    for row in text(k, "/proc/stat").splitlines():
        name = re.sub(r"cpu\d", "cpu0", row.split()[0])
        assert name == "intr" or rows[name] == len(row.split())
    for name, form in (("uptime", r"\d+\.\d\d \d+\.\d\d\n"), ("loadavg", r"(\d+\.\d\d ){3}\d+/\d+ \d+\n")):
        with open(f"/proc/{name}") as f:
            assert re.fullmatch(form, f.read())
        assert re.fullmatch(form, text(k, f"/proc/{name}"))
    head, *lines = text(k, "/proc/interrupts").splitlines()
    assert head.split() == [f"CPU{n}" for n in range(8)]
    assert [x.split(":")[0].strip() for x in lines] == ["LOC", "IPI", "TLB", "ERR", "MIS"]


def test_the_tree(k: Any):
    """Processes, their files and descriptors; what is not there is not found."""
    pid = this.task.pid
    assert {str(pid), "self", "meminfo"} <= set(k.listdir("/proc"))
    assert {"maps", "fd", "status", "pagemap"} <= set(k.listdir(f"/proc/{pid}"))
    assert k.readlink("/proc/self") == str(pid)
    fd = k.open("/tmp/f", os.O_CREAT | os.O_RDWR, 0o600)
    r, w = k.pipe2(0)
    assert sorted(k.listdir("/proc/self/fd"), key=int) == ["0", "1", "2", str(fd), str(r), str(w), str(w + 1)]
    assert k.readlink(f"/proc/self/fd/{fd}") == "/tmp/f"
    assert k.readlink(f"/proc/self/fd/{r}") == k.readlink(f"/proc/self/fd/{w}")
    assert re.fullmatch(r"pipe:\[\d+\]", k.readlink(f"/proc/self/fd/{r}"))
    k.unlink("/tmp/f")
    assert k.readlink(f"/proc/self/fd/{fd}").endswith("(deleted)")
    assert k.readlink("/proc/self/cwd") == "/tmp"
    assert k.errno("open", "/proc/31000/maps", os.O_RDONLY, 0) == errno.ENOENT
    assert k.errno("open", "/proc/self/nothing", os.O_RDONLY, 0) == errno.ENOENT
    assert k.errno("open", "/proc/self/maps", os.O_RDWR, 0) == errno.EACCES
    assert k.errno("mkdir", "/proc/x", 0o755) == errno.EROFS
    k.chdir("/proc/self")
    assert k.getcwd() == f"/proc/{pid}" and text(k, "comm") == "unit\n"
    k.chdir("/tmp")


def test_a_text_is_as_old_as_its_open(k: Any):
    """What happens after the open is not seen, however late it is read; a new open sees it."""
    fd = k.open("/proc/self/status", os.O_RDONLY, 0)
    old = text(k, "/proc/self/maps")
    again = k.open("/proc/self/maps", os.O_RDONLY, 0)
    at = maps.do_mmap(this.mm, 0, PAGE_SIZE, READ_WRITE, PRIVATE_ANONYMOUS)
    assert k.read(again, 100_000).decode() == old
    assert f"{at:08x}" in text(k, "/proc/self/maps")
    assert k.fstat(fd)[6] == 0
    with pytest.raises(GuestFault) as e:
        k.lseek(fd, 0, os.SEEK_END)
    assert e.value.errno == errno.EINVAL
