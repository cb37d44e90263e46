"""kos/fs/fdtable.py: the numbers that guests have for their open files."""

import errno
import os
from typing import Any

from kos.fs import fdtable
from kos.fs.structs import fd_tables
from kos.hw.cpu import this
from kos.sched.structs import processes


def limit(n: int) -> None:
    processes[this.task.process].rlimits[14] = n


def test_the_lowest_free_number_is_handed_out(k: Any):
    """As POSIX wants it, also after holes were made above and below."""
    fds = [k.dup(1, 0, False) for _ in range(6)]
    k.close(fds[4])
    k.close(fds[1])

    assert fds == [3, 4, 5, 6, 7, 8]
    assert [k.dup(1, 0, False) for _ in range(3)] == [4, 7, 9]


def test_dup_at_least(k: Any):
    """F_DUPFD takes the lowest number from its argument on, also beyond the first chunk."""
    assert k.dup(1, 50, True) == 50
    assert k.dup(1, 50, True) == 51
    assert k.dup(1, 700, False) == 700
    assert k.fcntl(50, 1, 0) == 1 and k.fcntl(700, 1, 0) == 0
    assert k.dup(1, 0, False) == 3


def test_errors_of_bad_numbers(k: Any):
    """EBADF for what is not open, EINVAL for a minimum that no descriptor can have."""
    assert [k.errno("close", fd) for fd in (-1, 3, 70000)] == [errno.EBADF] * 3
    assert k.errno("dup", 3, 0, False) == errno.EBADF
    assert k.errno("dup", 1, 1024, False) == errno.EINVAL
    assert k.errno("dup2", 1, 1024, False) == errno.EBADF
    assert k.errno("dup2", 9, 4, False) == errno.EBADF
    assert k.errno("fstat", 99) == errno.EBADF


def test_the_limit_is_emfile_and_nothing_leaks(k: Any):
    """RLIMIT_NOFILE stops dup, open and both halves of pipe; the fixture's audit sees that nothing is left open."""
    limit(8)
    while not k.errno("dup", 1, 0, False):
        pass
    assert k.errno("open", "/dev/null", os.O_RDONLY, 0) == errno.EMFILE
    assert k.errno("pipe2", 0) == errno.EMFILE
    k.close(5)
    assert k.errno("pipe2", 0) == errno.EMFILE
    assert k.open("/dev/null", os.O_RDONLY, 0) == 5


def test_dup2_replaces_and_shares_the_offset(k: Any):
    """The new number leads to the same open file; what it led to before is closed."""
    a = k.open("/tmp/a", os.O_CREAT | os.O_RDWR, 0o600)
    b = k.open("/tmp/b", os.O_CREAT | os.O_RDWR, 0o600)
    k.write(a, b"0123456789")
    assert k.dup2(a, b, False) == b
    assert k.lseek(b, 4, os.SEEK_SET) == 4
    assert k.read(a, 3) == b"456"
    assert k.dup2(a, a, False) == a
    assert k.dup2(a, 300, False) == 300 and k.fstat(300) == k.fstat(a)


def test_closerange_closes_what_is_open(k: Any):
    """A half-open range, however large; the numbers are free again."""
    for fd in (3, 10, 63, 64, 319, 320, 1000):
        k.dup2(1, fd, False)
    k.closerange(10, 320)
    assert [k.errno("fstat", fd) for fd in (3, 10, 63, 64, 319, 320, 1000)] == [0, 9, 9, 9, 9, 0, 0]
    k.closerange(4, 1 << 30)
    ft = fd_tables[this.task.files]
    assert (ft.nr_open, ft.high) == (4, 4)
    assert k.dup(1, 0, False) == 4


def test_fork_copies_and_exec_closes(k: Any):
    """A copy has the same files; close-on-exec is each descriptor's own flag."""
    k.dup2(1, 100, True)
    k.dup2(1, 101, False)
    child = k.task()
    ft = fd_tables[child.files]
    fdtable.close_on_exec(ft)

    assert [fd for fd, _, _ in fdtable.open_files(ft)] == [0, 1, 2, 101]
    assert [fd for fd, _, _ in fdtable.open_files(fd_tables[this.task.files])] == [0, 1, 2, 100, 101]


def test_a_shared_table_is_one_table(k: Any):
    """CLONE_FILES: what one task closes is closed for the other, and the last one out closes the rest."""
    ft = fdtable.get_files(fd_tables[this.task.files])
    k.dup2(1, 40, False)
    fdtable.close(ft, 40)
    assert k.errno("fstat", 40) == errno.EBADF
    fdtable.put_files(ft)
    assert ft.refcount == 1


def test_cpus_that_share_a_table_never_get_one_number_twice(k: Any):
    """Two CPUs open and close in one table at once; each number belongs to one of them at a time."""
    ft = fdtable.get_files(fd_tables[this.task.files])

    def storm(seed: int):
        this.task.files, own = ft.index, this.task.files
        try:
            held: list[int] = []
            for n in range(400):
                if len(held) > 5:
                    fd = held.pop((n * seed) % len(held))
                    assert CALLS_read(fd) == seed
                    fdtable.close(ft, fd)
                else:
                    fd = k.open("/tmp/race", os.O_CREAT | os.O_RDWR, 0o600)
                    k.lseek(fd, seed, os.SEEK_SET)
                    held.append(fd)
            for fd in held:
                fdtable.close(ft, fd)
        finally:
            this.task.files = own
        return "done"

    def CALLS_read(fd: int) -> int:
        return int(k.lseek(fd, 0, os.SEEK_CUR))

    joins = [k.on_cpu(cpu, lambda cpu=cpu: storm(cpu)) for cpu in (1, 2, 3)]
    assert [join() for join in joins] == ["done"] * 3
    assert [fd for fd, _, _ in fdtable.open_files(ft)] == [0, 1, 2]
    fdtable.put_files(ft)
