"""Guests' file objects behave as CPython's: every operation compared with the host's `io`."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kos.runtime import io_, pyio, world

MODES = ("w", "wb", "wb+", "a", "ab", "r", "rb", "rb+")
TEXT = "héllo\nworld\r\nthird\rlast" * 3


@pytest.fixture(autouse=True)
def host_os(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The file objects on the host's own system calls.

    Through an `os` of this test alone: it keeps the calls that it has found, and a machine that a later test boots in
    this process would let its guests write into the host's descriptors.
    """
    monkeypatch.setattr(pyio, "calls", lambda: vars(os))
    monkeypatch.setitem(vars(pyio.module), "os", type(pyio.module.os)())
    own = world.World()
    world.switch_to(own)
    yield
    world.switch_to(None)


def outcome(operation: Callable[[], Any]) -> Any:
    """The result, or kind and text of the exception."""
    try:
        return operation()
    except Exception as error:
        return type(error), str(error)


def everything(open_: Callable[..., Any], path: str, mode: str) -> list[Any]:
    """What a long series of operations gives."""
    if "r" in mode:
        with open(path, "wb") as file:
            file.write(TEXT.encode())
    f = open_(path, mode, **({} if "b" in mode else {"encoding": "utf-8"}))
    data = TEXT.encode() if "b" in mode else TEXT
    seen = [outcome(step) for step in (
        lambda: repr(f), lambda: f.write(data), f.tell, lambda: f.write(5), f.flush, lambda: f.seek(0),
        lambda: f.read(3),
        f.tell, f.readline, f.tell, lambda: next(f), f.read, lambda: f.seek(0, 2), lambda: f.seek(-3, 2),
        lambda: f.seek(1, 1), lambda: f.seek(0, 9), lambda: f.seek(-1), lambda: (f.seek(0), f.readlines()),
        lambda: (f.seek(0), f.readlines(4)), f.readable, f.writable, f.seekable, f.isatty,
        lambda: f.writelines([data[:2], data[2:5]]), lambda: f.name, lambda: f.mode, f.close, f.close, lambda: f.closed,
        lambda: f.write(data), f.read, f.readline, lambda: next(f), lambda: f.seek(0), f.tell, f.fileno, f.readlines,
    )]  # fmt: skip
    with open(path, "rb") as file:
        return [*seen, file.read()]


@pytest.mark.parametrize("mode", MODES)
def test_files_behave_as_the_hosts(mode, tmp_path):
    """Results, messages, and what is in the file at the end."""
    path = str(tmp_path / "file")

    expected = everything(io.open, path, mode)
    os.unlink(path)

    assert everything(io_.open_, path, mode) == expected


@pytest.mark.parametrize(
    "args",
    [("/nonexistent",), ("/tmp",), ("x", "q"), ("x", "rw"), ("x", "rb+x"), ("x", ""), ("x", "r", 0), (-1,), (None,)],
)
def test_open_refuses_as_the_hosts(args):
    """With the same exception and message."""
    assert outcome(lambda: io_.open_(*args)) == outcome(lambda: open(*args))


class Recorder(io.RawIOBase):
    """A host's raw file that remembers the sizes of the writes."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sizes.append(len(data))
        return len(data)


PIECES = (5000, 5000, 20000, 10, 8192, 3, 4096, 1, 12000, 7, 7)


@pytest.mark.parametrize("flush", [False, True])
def test_writes_reach_the_file_in_the_same_pieces(tmp_path, monkeypatch, flush):
    """Text is gathered to 8 KiB and given to a buffer of a block: sizes and moments of the writes are CPython's."""
    expected: list[int] = []
    seen: list[int] = []

    def write(fd: int, data: Any) -> int:
        seen.append(len(data))
        return os.write(fd, data)

    def fill(file: Any, sizes: list[int]) -> None:
        with file:
            for size in PIECES:
                file.write("x" * size)
                if flush and size < 10:
                    file.flush()
                sizes.append(0)

    fill(io.TextIOWrapper(io.BufferedWriter(Recorder(expected), 4096), "utf-8"), expected)
    monkeypatch.setitem(pyio.module.os.__dict__, "write", write)
    fill(io_.open_(tmp_path / "f", "w", 4096), seen)

    assert seen == expected
