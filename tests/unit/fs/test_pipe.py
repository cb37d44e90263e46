"""kos/fs/pipe.py: as full as Linux's, whole up to PIPE_BUF, and nobody sleeps on for what cannot come."""

import errno
import os
from typing import Any

from kos.fs import pipe as pipes
from kos.fs.file import interrupted
from kos.hw.cpu import this
from kos.traps import Wait


def host_full(sizes: list[int]) -> list[int]:
    """What the host's own pipe takes of writes of these sizes, until each fails."""
    r, w = os.pipe2(os.O_NONBLOCK)
    try:
        return fill(lambda data: os.write(w, data), sizes)
    finally:
        os.close(r)
        os.close(w)


def fill(write: Any, sizes: list[int]) -> list[int]:
    taken = []
    for n in range(200):
        try:
            taken.append(write(b"x" * sizes[n % len(sizes)]))
        except OSError:
            taken.append(-1)
        if taken[-2:] == [-1, -1]:
            break
    return taken


def kos_full(k: Any, sizes: list[int]) -> list[int]:
    _, w = k.pipe2(os.O_NONBLOCK)

    def write(data: bytes) -> int:
        if k.errno("write", w, data):
            raise OSError
        return 0

    def once(data: bytes) -> int:
        from kos.errors import GuestFault

        try:
            return k.write(w, data)
        except GuestFault:
            raise OSError from None

    return fill(once, sizes)


def test_full_exactly_when_the_hosts_is(k: Any):
    """Sixteen pages that are filled as Linux fills them: what fits depends on how it was written."""
    for sizes in ([1000], [4096], [4095], [5000], [100, 4000], [70000], [1, 4096], [3000, 9000], [4097]):
        assert kos_full(k, sizes) == host_full(sizes), sizes


def test_bytes_arrive_in_order_and_then_the_end(k: Any):
    r, w = k.pipe2(0)
    k.write(w, b"Hello, ")
    k.write(w, b"pipe!")
    assert k.read(r, 7) == b"Hello, "
    k.close(w)
    assert [k.read(r, 3), k.read(r, 100), k.read(r, 100)] == [b"pip", b"e!", b""]


def test_a_page_is_free_again_when_its_last_byte_is_read(k: Any):
    """EAGAIN when full, also after some bytes were read; room again after a page."""
    r, w = k.pipe2(os.O_NONBLOCK)
    assert k.errno("read", r, 1) == errno.EAGAIN
    for _ in range(16):
        k.write(w, b"x" * 4096)
    k.read(r, 4095)
    assert k.errno("write", w, b"z") == errno.EAGAIN
    k.read(r, 1)
    assert k.write(w, b"y" * 9000) == 4096


def test_no_reader_is_epipe_and_one_signal(k: Any):
    """SIGPIPE is sent for each failing write; a write of nothing does not fail."""
    sent: list[int] = []
    pipes.on_sigpipe(lambda task: sent.append(task.pid))
    r, w = k.pipe2(0)
    k.close(r)
    assert k.errno("write", w, b"x") == errno.EPIPE
    assert k.write(w, b"") == 0
    assert sent == [this.task.pid]


def test_wrong_ends(k: Any):
    r, w = k.pipe2(0)
    assert [k.errno("read", w, 1), k.errno("write", r, b"x")] == [errno.EBADF] * 2
    assert [k.errno("lseek", r, 0, 0), k.errno("pread", r, 1, 0), k.errno("pwrite", w, b"x", 0)] == [errno.ESPIPE] * 3
    assert k.errno("pread", r, 1, -1) == errno.EINVAL
    assert k.errno("ftruncate", w, 0) == errno.EINVAL


def test_a_signal_ends_a_write_with_what_it_has_moved(k: Any):
    """A waiting write that has made progress answers with the count; one that has not is made again."""
    r, w = k.pipe2(0)
    assert type(k.once("read", r, 1)) is Wait
    from kos.sched import waitqueue

    waitqueue.finish_wait(this.task)
    assert interrupted(this.task) is None
    assert type(k.once("write", w, b"x" * 100_000)) is Wait
    waitqueue.finish_wait(this.task)
    assert interrupted(this.task) == 65536
    assert interrupted(this.task) is None
    assert type(k.once("write", w, b"y")) is Wait
    waitqueue.finish_wait(this.task)
    assert interrupted(this.task) is None
    assert len(k.read(r, 100_000)) == 65536


def test_a_large_write_goes_in_pieces_between_two_cpus(k: Any):
    """200,000 bytes through 64 KiB: the writer sleeps and goes on, every byte arrives in order."""
    data = bytes(n * n % 251 for n in range(200_000))
    r, w = k.pipe2(0)

    def writer() -> int:
        k.close(r)
        n = k.write(w, data)
        k.close(w)
        return n

    join = k.on_cpu(1, writer)
    k.close(w)
    got = b""
    while piece := k.read(r, 3000):
        got += piece
    assert got == data
    assert join() == len(data)


def test_small_writes_of_many_cpus_are_never_mixed(k: Any):
    """Records of 128 bytes from three CPUs, read in odd pieces by the fourth."""
    r, w = k.pipe2(0)

    def writer(who: int) -> str:
        k.close(r)
        for n in range(400):
            assert k.write(w, (b"%d%04d" % (who, n)).ljust(128, b"%d" % who)) == 128
        return "done"

    joins = [k.on_cpu(cpu, lambda cpu=cpu: writer(cpu)) for cpu in (1, 2, 3)]
    k.close(w)
    data = b""
    while piece := k.read(r, 1000):
        data += piece
    assert [join() for join in joins] == ["done"] * 3
    records = [data[i : i + 128] for i in range(0, len(data), 128)]
    for who in (1, 2, 3):
        mine = [rec for rec in records if rec[:1] == b"%d" % who]
        assert mine == [(b"%d%04d" % (who, n)).ljust(128, b"%d" % who) for n in range(400)]


def test_a_token_goes_round(k: Any):
    """Two CPUs wake each other through two pipes, 500 times: no wake-up is lost."""
    r1, w1 = k.pipe2(0)
    r2, w2 = k.pipe2(0)

    def other() -> int:
        k.close(w1)
        n = 0
        while token := k.read(r1, 1):
            k.write(w2, token)
            n += 1
        return n

    join = k.on_cpu(1, other)
    k.close(r1)
    for n in range(500):
        k.write(w1, bytes([n % 256]))
        assert k.read(r2, 1) == bytes([n % 256])
    k.close(w1)
    assert join() == 500


def test_the_last_writer_gone_wakes_all_readers(k: Any):
    """End of file for every reader that sleeps, however many there are."""
    r, w = k.pipe2(0)

    def reader() -> bytes:
        k.close(w)
        return k.read(r, 10)

    joins = [k.on_cpu(cpu, reader) for cpu in (1, 2, 3)]
    k.close(w)
    assert [join() for join in joins] == [b""] * 3


def test_the_last_reader_gone_fails_the_writer(k: Any):
    """A writer that sleeps on a full pipe wakes up to EPIPE, or to what it had written."""
    pipes.on_sigpipe(lambda task: None)
    r, w = k.pipe2(0)
    k.write(w, b"x" * 65536)

    def writer() -> int:
        k.close(r)
        return k.errno("write", w, b"more")

    join = k.on_cpu(1, writer)
    k.close(r)
    assert join() == errno.EPIPE


def test_poll_sees_each_change(k: Any):
    """Readable, writable, hang-up and error; nothing within the time is an empty answer."""
    r, w = k.pipe2(os.O_NONBLOCK)
    both = [(r, 1), (w, 4), (-1, 1)]
    assert k.poll(both, -1) == [(w, 4)]
    k.write(w, b"x")
    assert k.poll(both, 0) == [(r, 1), (w, 4)]
    assert k.poll([(77, 1)], -1) == [(77, 32)]
    while not k.errno("write", w, b"x" * 4096):
        pass
    assert k.poll([(w, 4)], 0) == []
    k.close(w)
    assert k.poll([(r, 1)], -1) == [(r, 1 | 16)]
    r2, w2 = k.pipe2(0)
    k.close(r2)
    assert k.poll([(w2, 4)], -1) == [(w2, 4 | 8)]


def test_poll_across_cpus(k: Any):
    """A poller that sleeps is woken by a write on another CPU, every time."""
    r, w = k.pipe2(0)
    r2, w2 = k.pipe2(0)

    def other() -> str:
        for _ in range(200):
            assert k.poll([(r, 1)], -1) == [(r, 1)]
            k.write(w2, k.read(r, 1))
        return "done"

    join = k.on_cpu(1, other)
    for _ in range(200):
        k.write(w, b"t")
        assert k.poll([(r2, 1)], -1) == [(r2, 1)]
        k.read(r2, 1)
    assert join() == "done"


def test_poll_gives_up_at_its_deadline(k: Any):
    """The deadline is that of the first time round, however often the poller is woken."""
    r, _ = k.pipe2(0)
    result = k.once("poll", [(r, 1)], 5_000_000)
    assert type(result) is Wait
    deadline = result.deadline_ns
    from kos.platform.host.clock import now_ns
    from kos.sched import waitqueue
    from kos.syscall.table import CALLS

    waitqueue.finish_wait(this.task)
    again = CALLS["poll"]([(r, 1)], 5_000_000)
    if type(again) is Wait:
        assert again.deadline_ns == deadline
        waitqueue.finish_wait(this.task)
    while now_ns() < deadline:
        pass
    assert CALLS["poll"]([(r, 1)], 5_000_000) == []
