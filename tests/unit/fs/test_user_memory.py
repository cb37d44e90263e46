"""kos/fs/iov.py: system calls that read into, and write from, user memory; a bad address is EFAULT, never a loss."""

import errno
import os
from typing import Any

import pytest

from kos.hw.cpu import this
from kos.mm import mmap as maps
from kos.mm import uaccess

READ_WRITE, PRIVATE_ANONYMOUS = 3, 0x22


@pytest.fixture
def at(k: Any) -> int:
    """Three pages of user memory with nothing behind them."""
    addr = maps.do_mmap(this.mm, 0, 4 * 4096, READ_WRITE, PRIVATE_ANONYMOUS)
    maps.do_munmap(this.mm, addr + 3 * 4096, 4096)
    return int(addr)


def test_through_a_pipe_and_back(k: Any, at: int):
    r, w = k.pipe2(0)
    uaccess.copy_to_user(this.mm, at, b"from user memory")
    assert k.write_user(w, at, 16) == 16
    assert k.read_user(r, at + 5000, 100) == 16
    assert uaccess.copy_from_user(this.mm, at + 5000, 16) == b"from user memory"


def test_a_bad_address_leaves_the_bytes_in_the_pipe(k: Any, at: int):
    """EFAULT if not a byte could go; as many as could, else. The rest is still there to be read."""
    end = at + 3 * 4096
    r, w = k.pipe2(0)
    k.write(w, b"x" * 3000 + b"y" * 3000)
    assert k.errno("read_user", r, end, 10) == errno.EFAULT
    assert k.read_user(r, end - 4096, 6000) == 4096
    assert k.read(r, 10000) == b"y" * 1904
    assert k.errno("write_user", w, end, 1) == errno.EFAULT
    assert k.write_user(w, end - 4096, 5000) == 4096
    assert len(k.read(r, 10000)) == 4096


def test_files_too(k: Any, at: int):
    """A file's offset moves by what arrived."""
    end = at + 3 * 4096
    fd = k.open("/tmp/f", os.O_CREAT | os.O_RDWR, 0o600)
    assert k.errno("write_user", fd, end, 1) == errno.EFAULT and k.fstat(fd)[6] == 0
    k.write(fd, b"0123456789" * 1000)
    k.lseek(fd, 0, 0)
    assert k.errno("read_user", fd, end, 1) == errno.EFAULT and k.lseek(fd, 0, 1) == 0
    assert k.read_user(fd, end - 4096, 9000) == 4096 and k.lseek(fd, 0, 1) == 4096
    assert k.readv(fd, [4, (at, 10), 3]) == (17, [b"6789", None, b"012"])
    assert uaccess.copy_from_user(this.mm, at, 10) == b"0123456789"
    assert k.preadv(fd, [(at, 5), 5], 0) == (10, [None, b"56789"])
    assert k.pwritev(fd, [(at, 5), b"##"], 20) == 7 and k.pread(fd, 9, 19) == b"9" + b"01234##" + b"7"
    assert k.errno("readv", fd, [1] * 1025) == errno.EINVAL
