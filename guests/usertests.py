"""xv6's usertests in small: does this Unix do what a Unix must?

Each test runs in a process of its own. Look for: what every fork has to get right (memory, files, the family tree),
what must fail and with which error, and which accesses must kill. All of it holds on Linux, too: `kos diff
usertests` runs it on both. The names are those of usertests.c of xv6-riscv and of its labs where the test is the same.
Usage: usertests [NAME...]
"""

import errno
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable

from kos import guest

P = mmap.PAGESIZE
RW = guest.PROT_READ | guest.PROT_WRITE
ANON = guest.MAP_PRIVATE | guest.MAP_ANONYMOUS
TESTS: dict[str, Callable[[], None]] = {}


def test(function: Callable[[], None]) -> Callable[[], None]:
    """Enter a test under its name."""
    TESTS[function.__name__] = function
    return function


def child(body: Callable[..., object], *args: object) -> int:
    """The wait status of a process that runs body(*args) and exits with what it returns."""
    pid = os.fork()
    if pid == 0:
        os._exit(int(body(*args) or 0))
    return os.waitpid(pid, 0)[1]


def fails(number: int, call: Callable[..., object], *args: object) -> bool:
    """Does the call fail with this errno?"""
    try:
        call(*args)
    except OSError as e:
        return e.errno == number
    return False


# --- processes ---------------------------------------------------------------------------------------------------


@test
def forktest() -> None:
    """Many children at once; each is waited for once, and then there are none."""
    pids = {os.fork() or os._exit(0) for _ in range(100)}
    assert len(pids) == 100
    assert {os.wait()[0] for _ in range(100)} == pids
    assert fails(errno.ECHILD, os.wait)


@test
def exitwait() -> None:
    """An exit code arrives as it was."""
    for code in range(0, 256, 15):
        assert os.waitstatus_to_exitcode(child(lambda code=code: code)) == code


@test
def twochildren() -> None:
    for _ in range(20):
        first = os.fork() or os._exit(1)
        second = os.fork() or os._exit(2)
        assert {os.wait() for _ in range(2)} == {(first, 1 << 8), (second, 2 << 8)}


@test
def forkfork() -> None:
    """Children that fork children, all at once."""

    def family() -> None:
        for _ in range(10):
            child(lambda: 0)

    pids = [os.fork() or (family(), os._exit(0)) for _ in range(3)]
    assert [os.waitpid(int(pid), 0)[1] for pid in pids] == [0, 0, 0]


@test
def reparent() -> None:
    """An orphan gets another parent and goes on."""
    reading, writing = os.pipe()

    def middle() -> None:
        if os.fork() == 0:
            mine = os.getppid()
            os.write(writing, b"?")
            while os.getppid() == mine:
                os.sched_yield()
            os.write(writing, b"!")
            os._exit(0)
        os.read(reading, 1)

    assert child(middle) == 0
    os.close(writing)
    assert os.read(reading, 10) == b"!" and os.read(reading, 10) == b""


@test
def preempt() -> None:
    """Two that never give way do not keep a third from its work."""
    spinning = [os.fork() or spin() for _ in range(2)]
    reading, writing = os.pipe()
    assert child(lambda: os.write(writing, b"x") - 1) == 0
    assert os.read(reading, 10) == b"x"
    for pid in spinning:
        os.kill(pid, signal.SIGKILL)
        assert os.waitpid(pid, 0) == (pid, signal.SIGKILL)


def spin() -> int:
    while True:
        pass


@test
def killstatus() -> None:
    """A signal's number is in the status; the second wait finds nobody."""
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1, signal.SIGINT):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getppid(), 0)
            os.kill(os.getpid(), number)
            os._exit(0)
        assert os.waitpid(pid, 0) == (pid, number)
        assert fails(errno.ESRCH, os.kill, pid, 0)


@test
def alarmtest() -> None:
    """A timer interrupts a loop, more than once, and the loop's variables are as they were."""
    rings = []
    signal.signal(signal.SIGALRM, lambda number, frame: rings.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    n = total = 0
    while len(rings) < 5:
        n += 1
        total += n
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert total == n * (n + 1) // 2


@test
def sleeps() -> None:
    """Sleep as long as asked, and not at all when interrupted for good."""
    began = time.monotonic()
    time.sleep(0.02)
    assert time.monotonic() - began >= 0.02
    pid = os.fork()
    if pid == 0:
        time.sleep(1000)
    os.kill(pid, signal.SIGTERM)
    assert os.waitpid(pid, 0) == (pid, signal.SIGTERM)


# --- memory ------------------------------------------------------------------------------------------------------


@test
def cowtest() -> None:
    """Each keeps its own view of what was shared at fork, whoever writes first, two forks deep."""
    at = guest.mmap(0, 64 * P, RW, ANON)
    for page in range(64):
        guest.store64(at + page * P, page)

    def grandchild() -> bool:
        for page in range(0, 64, 2):
            guest.store64(at + page * P, 1000 + page)
        return [guest.load64(at + page * P) for page in range(4)] != [1000, 1, 1002, 3]

    def middle() -> int:
        status = child(grandchild)
        guest.store64(at, 77)
        return status or [guest.load64(at + page * P) for page in range(64)] != [77, *range(1, 64)]

    assert child(middle) == 0
    assert [guest.load64(at + page * P) for page in range(64)] == list(range(64))


@test
def sharedmem() -> None:
    """A shared mapping stays one memory over fork."""
    at = guest.mmap(0, P, RW, guest.MAP_SHARED | guest.MAP_ANONYMOUS)
    pids = [os.fork() or ([guest.fetch_add64(at, 1) for _ in range(200)], os._exit(0)) for _ in range(4)]
    for pid in pids:
        os.waitpid(int(pid), 0)
    assert guest.load64(at) == 800


@test
def mem() -> None:
    """What was given back can be had again, and comes back as zeros."""
    for _ in range(50):
        at = guest.mmap(0, 64 * P, RW, ANON)
        assert guest.load(at, 64 * P) == bytes(64 * P)
        guest.store(at, b"x" * (64 * P))
        guest.munmap(at, 64 * P)


@test
def stacktest() -> None:
    """Recursion has room."""

    def depth(n: int) -> int:
        return 0 if n == 0 else 1 + depth(n - 1)

    assert depth(800) == 800


def dies(how: int, call: Callable[..., object], *args: object) -> None:
    status = child(call, *args)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == how, status


@test
def kernmem() -> None:
    """The kernel's addresses, nothing's addresses, and page 0 kill who touches them."""
    for address in (0, 8, 0xFFFF_8000_0000_0000, 0xFFFF_FFFF_FFFF_F000, 1 << 46):
        dies(signal.SIGSEGV, guest.load64, address)
        dies(signal.SIGSEGV, guest.store64, address, 1)


@test
def textwrite() -> None:
    """Memory without the right to write kills who writes, and keeps what it holds."""
    at = guest.mmap(0, P, RW, ANON)
    guest.store64(at, 5)
    guest.mprotect(at, P, guest.PROT_READ)
    dies(signal.SIGSEGV, guest.store64, at, 6)
    assert guest.load64(at) == 5
    guest.mprotect(at, P, guest.PROT_NONE)
    dies(signal.SIGSEGV, guest.load64, at)


@test
def mmaptest() -> None:
    """A private mapping of a file keeps its writes, a shared one gives them to it; past the end is a bus error."""
    with scratch() as folder:
        fd = os.open(folder + "/f", os.O_RDWR | os.O_CREAT, 0o600)
        os.write(fd, b"A" * (P + P // 2))
        private = guest.mmap(0, 2 * P, RW, guest.MAP_PRIVATE, fd, 0)
        shared = guest.mmap(0, 2 * P, RW, guest.MAP_SHARED, fd, 0)
        guest.store(private, b"pp")
        guest.store(shared + P, b"ss")
        assert os.pread(fd, 3, 0) == b"AAA" and os.pread(fd, 3, P) == b"ssA"
        assert guest.load(shared + P + P // 2, P // 2) == bytes(P // 2)
        os.ftruncate(fd, P)
        dies(signal.SIGBUS, guest.load64, shared + P)
        guest.munmap(private, P)
        dies(signal.SIGSEGV, guest.load64, private)
        os.close(fd)
        assert guest.load(shared, 2) == b"AA"


# --- pipes -------------------------------------------------------------------------------------------------------


@test
def pipe1() -> None:
    """All bytes, in order, in whatever pieces; then the end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        for i in range(5):
            os.write(writing, bytes((i * 1033 + k) % 256 for k in range(1033)))
        os._exit(0)
    os.close(writing)
    data = b""
    while piece := os.read(reading, 777):
        data += piece
    assert data == bytes(k % 256 for k in range(5 * 1033))
    assert os.waitpid(pid, 0) == (pid, 0)


@test
def brokenpipe() -> None:
    """Nobody reads: EPIPE, or SIGPIPE where that is not ignored."""
    reading, writing = os.pipe()
    os.close(reading)
    assert fails(errno.EPIPE, os.write, writing, b"x")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    dies(signal.SIGPIPE, os.write, writing, b"x")


@test
def badfd() -> None:
    """Descriptors that are closed, were never open, or are of the wrong kind."""
    reading, writing = os.pipe()
    assert fails(errno.EBADF, os.read, writing, 1)
    assert fails(errno.EBADF, os.write, reading, b"x")
    os.close(reading)
    assert fails(errno.EBADF, os.read, reading, 1)
    assert fails(errno.EBADF, os.close, reading)
    assert fails(errno.EBADF, os.dup, 9999)
    assert fails(errno.ESPIPE, os.lseek, writing, 0, os.SEEK_SET)


# --- files -------------------------------------------------------------------------------------------------------


class scratch:
    """A folder of this test's own, empty again and gone at the end."""

    def __enter__(self) -> str:
        self.path = f"/tmp/usertests-{os.getpid()}"
        os.mkdir(self.path)
        return self.path

    def __exit__(self, *why: object) -> None:
        for name in os.listdir(self.path):
            full = f"{self.path}/{name}"
            os.rmdir(full) if os.path.isdir(full) else os.unlink(full)
        os.rmdir(self.path)


@test
def writebig() -> None:
    """A file of many pages, page by page, read back; truncated, it is shorter; extended, it has zeros."""
    with scratch() as folder, open(folder + "/big", "w+b", buffering=0) as f:
        for n in range(100):
            f.write(n.to_bytes(4, "little") * 256)
        f.seek(0)
        assert all(f.read(1024) == n.to_bytes(4, "little") * 256 for n in range(100))
        f.truncate(1500)
        assert os.fstat(f.fileno()).st_size == 1500
        f.truncate(3000)
        f.seek(1400)
        assert f.read() == (1).to_bytes(4, "little") * 25 + bytes(1500)


@test
def sharedfd() -> None:
    """Two processes write through one open file: no byte is lost, for the offset is theirs together."""
    with scratch() as folder:
        fd = os.open(folder + "/f", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        pid = os.fork()
        letter = b"c" if pid == 0 else b"p"
        for _ in range(50):
            os.write(fd, letter * 10)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        data = os.pread(fd, 2000, 0)
        os.close(fd)
        assert (data.count(b"c" * 10), data.count(b"p" * 10), len(data)) == (50, 50, 1000)


@test
def fourfiles() -> None:
    """Four processes, four files, at the same time."""
    with scratch() as folder:

        def fill(n: int) -> None:
            with open(f"{folder}/f{n}", "w") as f:
                for _ in range(20):
                    f.write(str(n) * 500)

        pids = [os.fork() or (fill(n), os._exit(0)) for n in range(4)]
        assert [os.waitpid(int(pid), 0)[1] for pid in pids] == [0] * 4
        for n in range(4):
            with open(f"{folder}/f{n}") as f:
                assert f.read() == str(n) * 10_000


@test
def unlinkread() -> None:
    """An open file outlives its name."""
    with scratch() as folder:
        fd = os.open(folder + "/f", os.O_RDWR | os.O_CREAT, 0o600)
        os.write(fd, b"hello")
        os.unlink(folder + "/f")
        assert fails(errno.ENOENT, os.stat, folder + "/f")
        assert os.pread(fd, 10, 0) == b"hello" and os.fstat(fd).st_nlink == 0
        os.close(fd)


@test
def linktest() -> None:
    """Two names of one file: the count, the last name, what cannot be linked."""
    with scratch() as folder:
        one, two = folder + "/one", folder + "/two"
        with open(one, "w") as f:
            f.write("x")
        os.link(one, two)
        assert os.stat(two).st_nlink == 2
        os.unlink(one)
        assert open(two).read() == "x" and os.stat(two).st_nlink == 1
        assert fails(errno.EEXIST, os.link, two, two)
        assert fails(errno.ENOENT, os.link, one, folder + "/three")


@test
def dirs() -> None:
    """What rmdir, mkdir, rename and open say of the wrong kind of thing."""
    with scratch() as folder:
        os.mkdir(folder + "/d")
        assert fails(errno.EEXIST, os.mkdir, folder + "/d")
        with open(folder + "/f", "w"):
            pass
        assert fails(errno.ENOTDIR, os.stat, folder + "/f/x")
        assert fails(errno.ENOTDIR, os.rmdir, folder + "/f")
        assert fails(errno.ENOTEMPTY, os.rmdir, folder)
        assert fails(errno.EISDIR, os.open, folder + "/d", os.O_WRONLY)
        os.rename(folder + "/f", folder + "/g")
        assert sorted(os.listdir(folder)) == ["d", "g"]
        os.chdir(folder + "/d")
        assert os.path.exists("../g") and os.getcwd() == folder + "/d"
        os.chdir("/")


# --- the run -----------------------------------------------------------------------------------------------------


def run(name: str) -> bool:
    """One test in a process of its own, so that nothing of it stays."""

    def body() -> int:
        try:
            TESTS[name]()
        except AssertionError:
            line = sys.exc_info()[2].tb_next.tb_lineno
            print(f"  line {line} does not hold", flush=True)
            return 1
        except OSError as e:
            print(f"  {type(e).__name__}: {e}", flush=True)
            return 1
        return 0

    ok = child(body) == 0
    print(f"test {name}: {'OK' if ok else 'FAILED'}", flush=True)
    return ok


def main() -> int:
    names = sys.argv[1:] or list(TESTS)
    unknown = [name for name in names if name not in TESTS]
    if unknown:
        print(f"usertests: no test {unknown[0]!r}; there are: {' '.join(TESTS)}", file=sys.stderr)
        return 2
    failed = [name for name in names if not run(name)]
    print("ALL TESTS PASSED" if not failed else f"SOME TESTS FAILED: {' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
