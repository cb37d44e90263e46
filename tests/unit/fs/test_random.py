"""Random sequences of calls give, call by call, what the host gives: names, links, contents, descriptors, pipes."""

import errno
import os
import shutil
import tempfile
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kos.errors import GuestFault

NAMES = ("a", "b", "a/x", "a/y", "b/x", "b/a", "a/x/z", "./b", "a/../b", "b/", "a/.", ".", "..", "ln", "ln/x", "lp")
name = st.sampled_from(NAMES)
FLAGS = (
    os.O_RDONLY,
    os.O_WRONLY | os.O_CREAT,
    os.O_RDWR | os.O_CREAT | os.O_EXCL,
    os.O_RDWR | os.O_TRUNC,
    os.O_WRONLY | os.O_APPEND | os.O_CREAT,
    os.O_RDONLY | os.O_DIRECTORY,
    os.O_RDWR | os.O_NOFOLLOW,
)
target = st.sampled_from(("a", "b/x", "../q", "lp", "ln", "."))
link = st.sampled_from(("ln", "lp", "a/x"))
step = st.one_of(
    st.tuples(st.just("mkdir"), name),
    st.tuples(st.just("rmdir"), name),
    st.tuples(st.just("unlink"), name),
    st.tuples(st.just("rename"), name, name),
    st.tuples(st.just("link"), name, name),
    st.tuples(st.just("symlink"), target, link),
    st.tuples(st.just("readlink"), name),
    st.tuples(st.just("listdir"), name),
    st.tuples(st.just("stat"), name, st.booleans()),
    st.tuples(st.just("chdir"), st.sampled_from(("a", "b", "..", ".", "a/x", "/"))),
    st.tuples(st.just("truncate"), name, st.integers(-1, 9000)),
    st.tuples(st.just("open"), name, st.sampled_from(FLAGS)),
    st.tuples(st.just("write"), st.integers(0, 5), st.integers(0, 9000)),
    st.tuples(st.just("read"), st.integers(0, 5), st.integers(0, 9000)),
    st.tuples(st.just("pread"), st.integers(0, 5), st.integers(0, 9000), st.integers(-1, 20000)),
    st.tuples(st.just("pwrite"), st.integers(0, 5), st.integers(0, 100), st.integers(-1, 20000)),
    st.tuples(st.just("lseek"), st.integers(0, 5), st.integers(-100, 20000), st.integers(-1, 3)),
    st.tuples(st.just("ftruncate"), st.integers(0, 5), st.integers(-1, 9000)),
    st.tuples(st.just("fstat"), st.integers(0, 5)),
    st.tuples(st.just("dup"), st.integers(0, 5)),
    st.tuples(st.just("close"), st.integers(0, 5)),
)


class Guest:
    """One side: the host or kos, driven by the same steps."""

    def __init__(self, calls: Any, root: str, is_host: bool) -> None:
        self.c = calls
        self.root = root
        self.is_host = is_host
        self.fds: list[int] = []

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def stat(self, st_: Any) -> tuple[int, ...]:
        mode, nlink, size = (st_.st_mode, st_.st_nlink, st_.st_size) if self.is_host else (st_[0], st_[3], st_[6])
        # Directories: their size and, on some file systems, their link count are the file system's own affair.
        return (mode, nlink, size) if mode >> 12 != 4 else (mode,)

    def step(self, verb: str, *args: Any) -> Any:
        try:
            return self.do(verb, *args)
        except (OSError, GuestFault) as e:
            return errno.errorcode[e.errno]

    def do(self, verb: str, *args: Any) -> Any:
        c = self.c
        if verb in ("write", "read", "pread", "pwrite", "lseek", "ftruncate", "fstat", "dup", "close"):
            fd = self.fds[args[0]] if args[0] < len(self.fds) else 900
            rest = args[1:]
            if verb in ("write", "pwrite"):
                data = bytes(n * 7 % 256 for n in range(rest[0]))
                return getattr(c, verb)(fd, data, *rest[1:])
            if verb == "fstat":
                return self.stat(c.fstat(fd))
            if verb == "lseek" and rest[1] >= os.SEEK_END and len(self.stat(c.fstat(fd))) == 1:
                return "a directory's end is the file system's own affair, too"
            if verb == "dup":
                self.fds.append(c.dup(fd) if self.is_host else c.dup(fd, 0, True))
                return "duplicated"
            if verb == "close" and fd in self.fds:
                self.fds.remove(fd)
            return getattr(c, verb)(fd, *rest)
        if verb == "open":
            self.fds.append(c.open(self.path(args[0]), args[1], 0o644))
            return "opened"
        if verb == "stat":
            path, follow = self.path(args[0]), args[1]
            return self.stat(os.stat(path, follow_symlinks=follow) if self.is_host else c.stat(path, follow))
        if verb == "symlink":
            return c.symlink(args[0], self.path(args[1]))
        if verb == "listdir":
            return sorted(c.listdir(self.path(args[0])))
        if verb in ("rename", "link"):
            return getattr(c, verb)(self.path(args[0]), self.path(args[1]))
        if verb == "chdir":
            c.chdir(self.path(args[0]) if args[0] != "/" else self.root)
            return c.getcwd().removeprefix(os.path.dirname(self.root))
        if verb == "mkdir":
            return c.mkdir(self.path(args[0]), 0o755)
        return getattr(c, verb)(self.path(args[0]), *args[1:])

    def end(self) -> None:
        for fd in self.fds:
            self.c.close(fd)


_round = iter(range(1_000_000))


@settings(max_examples=settings().max_examples // 2)
@given(st.lists(step, max_size=40))
def test_any_sequence_of_calls_on_files(k: Any, steps: list[tuple[Any, ...]]):
    """The tree is nested one level deep in its own folder, so that `..` leads to the same place on both sides."""
    was = os.getcwd()
    top = tempfile.mkdtemp()
    ours = f"/tmp/round{next(_round)}"
    mask = os.umask(0o22)
    k.umask(0o22)
    try:
        os.mkdir(top + "/d")
        k.mkdir(ours, 0o700)
        k.mkdir(ours + "/d", 0o755)
        host, kos = Guest(os, top + "/d", True), Guest(k, ours + "/d", False)
        for each in steps:
            assert (each, kos.step(*each)) == (each, host.step(*each))
        host.end()
        kos.end()
    finally:
        os.umask(mask)
        os.chdir(was)
        shutil.rmtree(top)
        k.chdir("/tmp")


def test_a_directory_is_not_written_to_rather_than_a_stream(k: Any):
    """Found by a random sequence: a directory has positions, so its access mode is looked at (Linux: FMODE_PWRITE)."""
    fd = k.open("/tmp", os.O_RDONLY, 0)
    r, w = k.pipe2(0)
    assert k.errno("pwrite", fd, b"x", 0) == errno.EBADF
    assert k.errno("pread", fd, 1, 0) == errno.EISDIR
    for end in (r, w):
        assert k.errno("pwrite", end, b"x", 0) == k.errno("pread", end, 1, 0) == errno.ESPIPE
    for each in (fd, r, w):
        k.close(each)


pipe_step = st.one_of(
    st.tuples(st.just("write"), st.sampled_from((0, 1, 5, 100, 1000, 4095, 4096, 4097, 8192, 10000, 70000))),
    st.tuples(st.just("read"), st.sampled_from((0, 1, 7, 100, 4095, 4096, 5000, 65536))),
)


@settings(max_examples=settings().max_examples // 2)
@given(st.lists(pipe_step, max_size=80))
def test_any_sequence_of_calls_on_a_pipe(k: Any, steps: list[tuple[str, int]]):
    """Non-blocking, so that full and empty show: counts, contents and errors are the host's."""
    ours = k.pipe2(os.O_NONBLOCK)
    hosts = os.pipe2(os.O_NONBLOCK)
    serial = 0
    try:
        for verb, n in steps:
            data = bytes((serial + x) % 251 for x in range(n))
            answers = []
            for c, (r, w) in ((k, ours), (os, hosts)):
                try:
                    answers.append(c.write(w, data) if verb == "write" else c.read(r, n))
                except (OSError, GuestFault) as e:
                    answers.append(errno.errorcode[e.errno])
            assert answers[0] == answers[1], (verb, n)
            serial += 1
    finally:
        for fd in ours:
            k.close(fd)
        for fd in hosts:
            os.close(fd)
