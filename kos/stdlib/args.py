"""Arguments of emulated calls, converted and refused as CPython's argument clinic does it.

Native: it only computes. The kernel gets plain ints, str, bytes, and (address, length) pairs for simulated memory, and
need not look at a type again. Texts of errors are those of the CPython that runs (Modules/posixmodule.c,
Python/getargs.c).
"""

from __future__ import annotations

import errno
import math
import os
import sys
from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, NoReturn

from kos.runtime.typename import type_name
from kos.stdlib.buffers_ import Window, window_of

Segment = int | tuple[int, int]
INT_MAX, SSIZE_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1, 2**63 - 1
NS = 1_000_000_000
_TIME = "PyTime_t" if sys.version_info >= (3, 13) else "_PyTime_t"


def c_int(value: Any) -> int:
    """`value` as a C int."""
    number = index(value)
    if -INT_MAX - 1 <= number <= INT_MAX:
        return number
    raise OverflowError("Python int too large to convert to C int")


def parsed_int(value: Any) -> int:
    """`value` as a C int, refused as getargs.c refuses it where one format string reads several arguments."""
    number = index(value)
    if -INT_MAX - 1 <= number <= INT_MAX:
        return number
    c_long(number)
    raise OverflowError(f"signed integer is {'greater than maximum' if number > 0 else 'less than minimum'}")


def c_ssize(value: Any) -> int:
    """`value` as a C ssize_t."""
    number = index(value)
    if -SSIZE_MAX - 1 <= number <= SSIZE_MAX:
        return number
    raise OverflowError("Python int too large to convert to C ssize_t")


def c_truncated(value: Any) -> int:
    """`value` as a C ssize_t of which the lower half is used, as an int."""
    return (c_ssize(value) + (1 << 31)) % (1 << 32) - (1 << 31)


def c_long(value: Any) -> int:
    """`value` as a C long."""
    number = index(value)
    if -LONG_MAX - 1 <= number <= LONG_MAX:
        return number
    raise OverflowError("Python int too large to convert to C long")


def file_descriptor(obj: Any) -> int:
    """A descriptor, or what has a fileno() method (PyObject_AsFileDescriptor); may run guest code."""
    if isinstance(obj, int):
        fd = index(obj)
    else:
        method = getattr(obj, "fileno", None)
        if method is None:
            raise TypeError("argument must be an int, or have a fileno() method.")
        fd = method()
        if not isinstance(fd, int):
            raise TypeError("fileno() returned a non-integer")
    if fd < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
    return c_int(fd)


def path(value: Any, function: str, argument: str = "path") -> str | bytes:
    """A path for the kernel: str or bytes without a null byte."""
    return _path(value, function, argument, "string, bytes or os.PathLike")


def path_or_fd(value: Any, function: str, *, or_none: bool = False) -> str | bytes | int:
    """A path, or an open descriptor where CPython takes one. or_none: the function takes None, too, and says so."""
    if isinstance(value, int):
        if not -INT_MAX - 1 <= value <= INT_MAX:
            raise OverflowError(f"fd is {'greater than maximum' if value > 0 else 'less than minimum'}")
        fd = index(value)
        if fd == -1:
            # path_converter's sign for "this is no descriptor": posixmodule.c then hands over the path, a null pointer.
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT), value)
        return fd
    wanted = "string, bytes, os.PathLike, integer or None" if or_none else "string, bytes, os.PathLike or integer"
    return _path(value, function, "path", wanted)


def _path(value: Any, function: str, argument: str, wanted: str) -> str | bytes:
    if type(value) is not str and type(value) is not bytes:
        if not isinstance(value, str | bytes) and not hasattr(type(value), "__fspath__"):
            raise TypeError(f"{function}: {argument} should be {wanted}, not {type(value).__name__}")
        value = os.fspath(value)
    if ("\0" if isinstance(value, str) else b"\0") in value:
        if isinstance(value, str) and sys.version_info < (3, 13):
            raise ValueError("embedded null byte")
        raise ValueError(f"{function}: embedded null character in {argument}")
    return value


def unknown_keyword(name: str, function: str) -> TypeError:
    """The refusal of a keyword argument, as getargs.c words it. function: "f()", or "this function"."""
    if sys.version_info >= (3, 13):
        return TypeError(f"{function} got an unexpected keyword argument {name!r}")
    return TypeError(f"{name!r} is an invalid keyword argument for {function}")


def dir_fd(value: Any) -> int:
    """The descriptor of an open folder."""
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"argument should be integer or None, not {type(value).__name__}") from None
    return c_int(number)


def no_dir_fd(function: str, dir_fd: object) -> None:
    """Refuse `dir_fd` beside a descriptor."""
    if dir_fd is not None:
        raise ValueError(f"{function}: can't specify dir_fd without matching path")


def named(e: OSError, path: object, path2: object = None) -> OSError:
    """The error with the names that the guest gave, not those that the kernel resolved."""
    e.filename = path
    if path2 is not None:
        e.filename2 = path2
    return e


def nameless(e: OSError) -> OSError:
    """The same error without a file's name, where CPython gives none."""
    del e.filename, e.filename2
    return e


def duration_ns(seconds: Any, message: str | None = None, unit_ns: int = NS) -> int:
    """Seconds (int or float; or what else is unit_ns long) as ns, rounded up; like _PyTime_FromSecondsObject.

    message: the TypeError's text for what is no number; None: the interpreter's own.
    """
    if isinstance(seconds, float):
        if math.isnan(seconds):
            raise ValueError("Invalid value NaN (not a number)")
        if abs(seconds) >= 2**63 / unit_ns:
            raise OverflowError("timestamp out of range for platform time_t")
        return math.ceil(seconds * unit_ns)
    try:
        whole = index(seconds)
    except TypeError:
        if message is None:
            raise
        raise TypeError(message) from None
    if not -SSIZE_MAX <= whole * unit_ns <= SSIZE_MAX:
        raise OverflowError(f"timestamp too large to convert to C {_TIME}")
    return whole * unit_ns


def file_time(seconds: Any) -> int:
    """A file's time, given in seconds (int or float), as ns, rounded down."""
    if isinstance(seconds, float):
        if math.isnan(seconds):
            raise ValueError("Invalid value NaN (not a number)")
        fraction, whole = math.modf(seconds)
        return int(whole) * NS + math.floor(fraction * NS)
    return index(seconds) * NS


def file_time_ns(ns: Any) -> int:
    """A file's time, given in ns."""
    parts = divmod(ns, NS)
    if not isinstance(parts, tuple) or len(parts) != 2:
        raise TypeError(f"{type(ns).__name__}.__divmod__() must return a 2-tuple, not {type(parts).__name__}")
    return index(parts[0]) * NS + index(parts[1])


# --- buffers ---------------------------------------------------------------------------------------------------------


def source(buffer: Any) -> bytes | Window:
    """What a write-like call sends: bytes, or the place of simulated memory."""
    if type(buffer) is bytes:
        return buffer
    window = window_of(buffer, False)
    if window is not None:
        return window
    return contiguous(buffer).tobytes()


def contiguous(buffer: Any) -> memoryview:
    """A host object as the one piece that C would ask it for."""
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type_name(buffer)}'") from None
    if not view.c_contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    return view


def sources(function: str, buffers: Any) -> list[bytes | Window]:
    """The segments of a gathering write."""
    return [source(buffer) for buffer in _sequence(function, buffers)]


def targets(function: str, buffers: Any) -> tuple[list[Segment], list[memoryview | None]]:
    """The segments of a scattering read: what the kernel is told, and where to put the bytes that come back.

    Simulated memory is filled by the kernel itself (it may be copy-on-write); host objects by `deliver`.
    """
    segments: list[Segment] = []
    views: list[memoryview | None] = []
    for buffer in _sequence(function, buffers):
        window = window_of(buffer, True)
        if window is not None:
            segments.append(window)
            views.append(None)
            continue
        view = contiguous(buffer)
        if view.readonly:
            raise BufferError("Object is not writable.")
        segments.append(view.nbytes)
        views.append(view.cast("B"))
    return segments, views


def deliver(views: Sequence[memoryview | None], pieces: Iterable[bytes | None]) -> None:
    """Put the bytes of a scattering read into the host buffers."""
    for view, piece in zip(views, pieces, strict=False):
        if view is not None and piece:
            view[: len(piece)] = piece


def _sequence(function: str, buffers: Any) -> Iterable[Any]:
    if not hasattr(type(buffers), "__getitem__") or isinstance(buffers, dict):
        raise TypeError(f"{function}() arg 2 must be a sequence")
    return buffers


# --- programs --------------------------------------------------------------------------------------------------------


def fs_bytes(value: Any) -> bytes:
    """PyUnicode_FSConverter: a path or word as the bytes that a program gets."""
    data = os.fsencode(value)
    if b"\0" in data:
        raise ValueError("embedded null byte")
    return data


def words(argv: Any, not_sequence: str, empty: str, first_empty: str) -> list[str]:
    """An argument list for exec; the three texts belong to the caller's function."""
    if not isinstance(argv, list | tuple):
        raise TypeError(not_sequence)
    if not argv:
        raise ValueError(empty)
    out = [os.fsdecode(fs_bytes(word)) for word in argv]
    if not out[0]:
        raise ValueError(first_empty)
    return out


def environment(env: Any, not_mapping: str) -> dict[str, str]:
    """An environment for exec."""
    if not hasattr(type(env), "__getitem__"):
        raise TypeError(not_mapping)  # what passes and is no mapping after all has no keys()
    out: dict[str, str] = {}
    for key in list(env.keys()):
        name, value = fs_bytes(key), fs_bytes(env[key])
        if not name or b"=" in name[1:]:
            raise ValueError("illegal environment variable name")
        out[os.fsdecode(name)] = os.fsdecode(value)
    return out


def exactly(count: int, function: str, given: tuple[object, ...]) -> None:
    """Refuse a wrong number of positional arguments as a C function does."""
    if len(given) != count:
        _wrong_count(count, function, len(given))


def _wrong_count(count: int, function: str, given: int) -> NoReturn:
    wanted = "no arguments" if count == 0 else "exactly one argument" if count == 1 else f"exactly {count} arguments"
    raise TypeError(f"{function}() takes {wanted} ({given} given)")


def signals(values: Any) -> frozenset[int]:
    """A set of signal numbers from any iterable of ints (_Py_Sigset_Converter)."""
    out = set()
    for value in values:
        number = index(value)
        if not 0 < number < 65:
            raise ValueError(f"signal number {number} out of range [1; 64]")
        if number not in (32, 33):  # glibc keeps these two; CPython warns and goes on
            out.add(number)
    return frozenset(out)


def cpus(mask: Any) -> frozenset[int]:
    """CPU numbers for sched_setaffinity."""
    out = set()
    for item in mask:
        if not isinstance(item, int):
            raise TypeError(f"expected an iterator of ints, but iterator yielded {type(item)}")
        if item < 0:
            raise ValueError("negative CPU number")
        if item > INT_MAX:
            raise OverflowError("CPU number too large")
        out.add(index(item))
    return frozenset(out)


def stat_result(fields: Sequence[int]) -> os.stat_result:
    """os.stat_result from the kernel's thirteen numbers."""
    atime, mtime, ctime = fields[7:10]
    whole = (atime // NS, mtime // NS, ctime // NS)
    floats = (atime / NS, mtime / NS, ctime / NS)
    return os.stat_result((*fields[:7], *whole, *floats, atime, mtime, ctime, *fields[10:13]))
