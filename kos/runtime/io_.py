"""File objects of guests: CPython's own `_pyio`, over the emulated `os`, patched to behave as the C version.

The C classes of `io` would do host system calls and cannot be copied; `_pyio` is the same
in Python, so a file's buffer is an attribute like any other: private to the process, copied by
fork. A private copy of the module is executed with another `os` and without locks. Where the two
versions differ in what a program can see (messages, when a full buffer is written and in which
pieces), the methods below follow Modules/_io. In-memory files are the C versions.
"""

from __future__ import annotations

import codecs
import functools
import io
import sys
from typing import Any

from kos.runtime import builtins_, hooks, sizes, templates
from kos.runtime import textio as textio  # text files follow C from now on
from kos.runtime.freeze import static
from kos.runtime.pyio import (
    BufferedRandom,
    BufferedReader,
    BufferedWriter,
    FileIO,
    NoLock,
    TextIOWrapper,
    Unsupported,
    method,
)
from kos.runtime.pyio import module as _pyio
from kos.runtime.readahead import follow_c
from kos.runtime.typename import argument_name, type_name
from kos.runtime.world import World, current

follow_c(BufferedReader)


# --- all files -----------------------------------------------------------------------------


@method(_pyio.IOBase)
def _unsupported(self: Any, name: str) -> None:
    raise Unsupported(name)


@method(_pyio.IOBase)
def __del__(self: Any) -> None:
    # A dropped file is closed, but not where the world is dropped that it belongs to: then the task is gone, or
    # lives on as a copy, and the descriptor is no longer this object's.
    owner = getattr(self, "_owner", None)
    if owner is None:  # a buffer: its raw file's
        owner = getattr(getattr(self, "_raw", None), "_owner", None)
    if hooks.DEAD[0] or owner is not current():
        return
    try:
        if not self.closed:
            self.close()
    except Exception:  # as the C version: nobody is there to be told
        return


_init_file = FileIO.__init__


def _new_file(self: Any, file: Any, mode: str = "r", closefd: bool = True, opener: Any = None) -> None:
    self._owner = current()
    _init_file(self, file, mode, closefd, opener)


FileIO.__init__ = _new_file
del FileIO.__del__  # it warns first; IOBase's closes
FileIO._owner = TextIOWrapper._owner = _pyio._BufferedIOMixin._owner = None


def _check_first(cls: Any, name: str, message: str) -> None:
    """Let the method say `message` for a closed file, before anything else."""
    inner = getattr(cls, name)

    @functools.wraps(inner)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.closed:
            raise ValueError(message)
        return inner(self, *args, **kwargs)

    setattr(cls, name, checked)


for _class in (BufferedReader, BufferedWriter, BufferedRandom):
    for _name in ("read", "readline", "readinto", "readinto1", "read1", "peek", "seek", "truncate"):
        if hasattr(_class, _name) and (_class is not BufferedWriter or _name in ("seek", "truncate")):
            _check_first(_class, _name, f"{_name.rstrip('1')} of closed file")


_truncate_random = BufferedRandom.truncate


@method(BufferedRandom)
def truncate_(self: Any, pos: Any = None) -> int:
    """_io__Buffered_truncate_impl: what has been read ahead is forgotten, it may be gone."""
    if self._read_buf:
        self.raw.seek(self._read_pos - len(self._read_buf), 1)
        self._reset_read_buf()
    size: int = _truncate_random(self, pos)
    return size


@method(FileIO)
def readinto(self: Any, buffer: Any) -> int | None:
    """_io_FileIO_readinto_impl; None where a read would block."""
    data = self.read(buffer.nbytes)
    if data is not None:
        buffer.cast("B")[: len(data)] = data
    return None if data is None else len(data)


vars(_pyio)["memoryview"] = memoryview


def see_mapped_memory(view_type: Any) -> None:
    """Read into whatever the guest's own `memoryview` can show; at boot."""
    vars(_pyio)["memoryview"] = view_type


def _into_view(cls: Any, name: str) -> None:
    """Let the method take what a guest's memoryview takes, mapped memory too, and refuse in the C version's words."""
    inner = getattr(cls, name)
    which = "argument 1" if cls is FileIO and sys.version_info >= (3, 12) else "argument"

    @functools.wraps(inner)
    def into(self: Any, buffer: Any, /) -> Any:
        try:
            view = _pyio.memoryview(buffer)
        except TypeError:
            view = None
        if view is None or view.readonly:
            kind = argument_name(buffer)
            raise TypeError(f"{name}() {which} must be read-write bytes-like object, not {kind}")
        with view:
            return inner(self, view)

    setattr(cls, name, into)


for _class in (FileIO, BufferedReader, BufferedRandom):
    for _name in ("readinto", "readinto1"):
        if hasattr(_class, _name):
            _into_view(_class, _name)
    sizes.take(_class, "read", sizes.optional)
for _class in (BufferedReader, BufferedRandom):
    sizes.take(_class, "read1", sizes.required)
    sizes.take(_class, "peek", sizes.required, 0)
sizes.take(_pyio.IOBase, "readlines", sizes.optional)
# What FileIO takes from IOBase, and a reader from FileIO, says it with a full stop: iobase_check_closed() in iobase.c.
_check_first(BufferedReader, "flush", "I/O operation on closed file.")
for _name in ("flush", "readlines", "writelines", "__enter__", "__iter__"):
    _check_first(FileIO, _name, "I/O operation on closed file.")
sizes.take(TextIOWrapper, "readline", sizes.required)


@method(FileIO)
def _checkClosed(self: Any, msg: str | None = None) -> None:
    if self.closed:
        raise ValueError("I/O operation on closed file" if msg is None else msg)


@method(_pyio._BufferedIOMixin)
def _raw_file(self: Any) -> Any:
    if self._raw is None:
        raise ValueError("raw stream has been detached")
    return self._raw


_pyio._BufferedIOMixin.raw = property(_raw_file)


def _needs_seekable(cls: Any) -> None:
    """Let seek() say so where the file cannot, as _io__Buffered_seek_impl does."""
    inner = cls.seek

    @functools.wraps(inner)
    def seek(self: Any, target: int, whence: int = 0, /) -> Any:
        if self.closed:
            raise ValueError("seek of closed file")
        if not 0 <= whence <= 4:
            raise ValueError(f"whence value {whence} unsupported")
        if not self.raw.seekable():
            raise Unsupported("File or stream is not seekable.")
        return inner(self, target, whence)

    cls.seek = seek


for _class in (BufferedReader, BufferedWriter, BufferedRandom):
    _needs_seekable(_class)


@method(BufferedReader)
def truncate(self: Any, pos: Any = None) -> int:
    if self.closed:
        raise ValueError("truncate of closed file")
    raise Unsupported("truncate")


# --- buffered writing ----------------------------------------------------------------------


@method(BufferedWriter)
def write(self: Any, b: Any) -> int:
    """_io__Buffered_write_impl: fill the buffer; when it is full write it, and then what is too large for it."""
    if isinstance(b, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    if self.closed:
        raise ValueError("write to closed file")
    held: bytearray = self._write_buf
    try:
        size = len(b) if type(b) is bytes else memoryview(b).nbytes
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type_name(b)}'") from None
    if size <= self.buffer_size - len(held):
        held += b
        return size
    try:
        self._flush_unlocked()
    except BlockingIOError as error:
        room = max(self.buffer_size - len(held), 0)
        with memoryview(b) as view:
            held += view.cast("B")[:room]
        raise BlockingIOError(error.errno, error.strerror, min(room, size)) from None
    with memoryview(b) as view, view.cast("B") as data:
        written = 0
        while size - written > self.buffer_size:
            n = self.raw.write(data[written:])
            if n is None:
                held += data[written : written + self.buffer_size]
                raise BlockingIOError(11, "write could not complete without blocking", written + len(held))
            written += n
        held += data[written:]
    return size


# --- the standard streams ------------------------------------------------------------------

_NAMES = (("<stdin>", "r"), ("<stdout>", "w"), ("<stderr>", "w"))


def standard_stream(
    world: World, fd: int, *, is_tty: bool, buffered: bool = True, block_bytes: int = 4096, errors: str = "strict"
) -> Any:
    """sys.stdin, stdout or stderr over descriptor `fd`, as create_stdio() in Python/pylifecycle.c makes them.

    Built from its parts, without a system call: exec makes three of them.
    """
    name, mode = _NAMES[fd]
    raw = FileIO.__new__(FileIO)
    raw._owner, raw._fd, raw._closefd, raw.name = world, fd, False, name
    raw._readable, raw._writable = mode == "r", mode == "w"
    raw._blksize = block_bytes
    writes_through = not buffered and mode == "w"
    inner = raw if writes_through else (BufferedReader if mode == "r" else BufferedWriter)(raw, block_bytes)
    text = TextIOWrapper.__new__(TextIOWrapper)
    text._buffer, text._owner = inner, world
    text._pending, text._pending_size = [], 0
    text._decoded_chars, text._decoded_chars_used, text._snapshot = "", 0, None
    text._seekable = text._telling = False
    text._has_read1 = not writes_through
    text._can_read, text._can_write = mode == "r", mode == "w"
    text._configure("utf-8", "backslashreplace" if fd == 2 else errors, "\n", False, writes_through)
    text._line_buffering = buffered and (is_tty or fd == 2)
    if mode == "w":
        text._get_encoder()
    text.mode = mode
    return text


def _make_io() -> dict[str, Any]:
    """The module io: classes of the private copy, the C versions of files in memory."""
    made = {name: value for name, value in vars(io).items() if not name.startswith("__") or name == "__all__"}
    for name in io.__all__:
        if name in vars(_pyio) and name not in ("BytesIO", "StringIO", "UnsupportedOperation", "BlockingIOError"):
            made[name] = vars(_pyio)[name]
    made.update(__name__="io", __doc__=io.__doc__, __file__=io.__file__)
    made.pop("OpenWrapper", None)
    made.pop("open_code", None)
    made.pop("_io", None)
    return made


for _cls in (io.BytesIO,):
    _pyio.BufferedIOBase.register(_cls)
_pyio.TextIOBase.register(io.StringIO)
open_: Any = _pyio.open
templates.add("io", _make_io)
builtins_.extra["open"] = open_
builtins_.text_file[0] = TextIOWrapper
static.register(
    value for value in vars(_pyio).values() if callable(value) and getattr(value, "__module__", "") == "_io"
)
static.register((NoLock, codecs.getincrementalencoder("utf-8"), codecs.getincrementaldecoder("utf-8")))
