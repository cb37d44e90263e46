"""kos/fs/console.py: what guests write is drained in order, what is fed is read, and full or empty means to wait."""

import errno
import os
import stat
from typing import Any

from kos.fs import console
from kos.fs.structs import fs_lock  # noqa: F401  # the layer is loaded as a whole
from kos.hw.cpu import this
from kos.platform.host.files import Stream
from kos.sched import waitqueue
from kos.traps import Wait


def test_output_is_drained_in_order(k: Any):
    assert k.write(1, b"one ") == 4 and k.writev(1, [b"", b"two ", b"", b"three"]) == 9
    assert k.write(1, b"") == 0
    assert console.drain(1) == b"one two three"
    assert console.drain(1) == b""


def test_two_streams_or_one(k: Any):
    """Streams that are one file on the host share a ring, so their order is kept."""
    state = console.console_state.s.rings
    state[2].ring = 2
    k.write(1, b"out")
    k.write(2, b"err")
    assert (console.drain(1), console.drain(2)) == (b"out", b"err")
    state[2].ring = 1
    k.write(1, b"a")
    k.write(2, b"b")
    k.write(1, b"c")
    assert (console.drain(1), console.drain(2)) == (b"abc", b"")


def test_a_full_ring_makes_the_writer_wait(k: Any):
    """It goes on where it stood when the supervisor has drained and a CPU has taken notice."""
    data = bytes(range(256)) * 1000
    got = b""
    assert type(k.once("write", 1, data)) is Wait
    from kos.syscall.table import CALLS

    for _ in range(10):
        got += console.drain(1)
        console.service()
        assert this.task.state == 2  # READY
        waitqueue.finish_wait(this.task)
        result = CALLS["write"](1, data)
        if type(result) is not Wait:
            break
    assert result == len(data)
    assert got + console.drain(1) == data


def test_a_full_ring_is_eagain_for_who_does_not_wait(k: Any):
    k.fcntl(1, 4, os.O_NONBLOCK)
    assert k.write(1, b"x" * 100_000) == console.RING
    assert k.errno("write", 1, b"x") == errno.EAGAIN
    assert k.poll([(1, 4)], 0) == []
    console.drain(1)
    assert k.poll([(1, 4)], 0) == [(1, 4)]


def test_input_is_asked_for_and_read(k: Any):
    """The host's input is touched only when a guest wants it; a reader gets what is there; then the end."""
    assert not console.wants_input()
    assert type(k.once("read", 0, 10)) is Wait
    assert console.wants_input()
    assert console.feed(b"hello world") == 11
    assert not console.wants_input()
    console.service()
    assert this.task.state == 2
    waitqueue.finish_wait(this.task)
    assert k.read(0, 5) == b"hello" and k.read(0, 100) == b" world"
    assert type(k.once("read", 0, 10)) is Wait
    console.feed_eof()
    console.service()
    waitqueue.finish_wait(this.task)
    assert k.read(0, 10) == b"" and k.read(0, 10) == b""
    assert not console.wants_input()


def test_input_that_comes_between_the_look_and_the_sleep(k: Any):
    """A reader on another CPU is fed at any moment, 300 times, and never sleeps on."""

    def reader() -> int:
        total = 0
        while data := k.read(0, 100):
            total += len(data)
        return total

    join = k.on_cpu(1, reader)
    sent = 0
    while sent < 300:
        if console.wants_input():
            sent += console.feed(b"x")
        console.service()
    console.feed_eof()
    while console.console_state.s.attention:
        console.service()
    assert join() == 300


def test_terminals(k: Any):
    """isatty as at boot; a terminal is read line by line."""
    tty, pipe = Stream(stat.S_IFCHR | 0o620, os.O_RDWR, is_tty=True), Stream(stat.S_IFIFO | 0o600, os.O_WRONLY)
    console.describe([tty, tty, pipe], False)
    assert [k.isatty(fd) for fd in (0, 1, 2, 9)] == [True, True, False, False]
    console.feed(b"one\ntwo\n")
    assert [k.read(0, 100), k.read(0, 2), k.read(0, 100)] == [b"one\n", b"tw", b"o\n"]
    assert k.errno("lseek", 0, 0, 0) == errno.ESPIPE


def test_the_kernels_own_words(k: Any):
    console.console_state.s.rings[2].ring = 2
    console.write_kernel("kos: something\n")
    assert console.drain(2) == b"kos: something\n"
