"""Room for the kernel on a stack that a guest's recursion has nearly used up.

A guest's frames and the kernel's below them are frames of one Python thread, under one recursion limit. A
RecursionError in the middle of the kernel would leave a lock held or a page charged to nobody. So the kernel looks at
its door how deep the thread may still go, and gives itself more for the time it works: in CPython's own counter, which
is what sys.setrecursionlimit() sets too, but that takes as long as a short system call.
"""

from __future__ import annotations

import ctypes
import sys
from array import array
from collections.abc import Callable
from typing import TypeVar

from kos.errors import HostError

KERNEL_FRAMES = 320  #: more than the kernel, its plugins and their exceptions ever need; and more than 256
DEEPEST = 1 << 22  #: limits that a guest sets are cut to this: see enough()
RESERVE = 60  #: what the resumable parts of a system call need: where less is left it is not begun

T = TypeVar("T")
_NR_WORDS = 64  #: of the thread's state, looked through for the counter
_C_COUNTS: bool = sys.version_info >= (3, 12)  #: C code has a counter of its own
_MOST_C_FRAMES = 50_000  #: Py_C_RECURSION_LIMIT is less in every version


def ample() -> memoryview:
    """The counter of a process whose guests, if it has any, are not deep."""
    return memoryview(array("i", [DEEPEST]))


def enough(room: memoryview) -> ctypes.c_uint16:
    """True while there are 256 frames or more: the bits above those, of a number that is less than 2**24.

    Whether it is true takes 7 ns, a comparison of room[0] takes 45.
    """
    return ctypes.c_uint16.from_buffer(room.cast("B"), 1)


def remaining() -> memoryview:
    """[0] is how many frames deeper this thread may go; a store changes it.

    PyThreadState.recursion_remaining in 3.11, py_recursion_remaining later; the limit is the next word. Found by what
    it does: seven frames deeper it is less by seven.
    """
    words, at = _find()
    return words[at : at + 1]


def deepen_c(frames: int) -> None:
    """Let C code recurse so much deeper in this thread, whose stack must be large enough for it.

    Until 3.11 there is one counter for Python and C. Later C has its own, which sys.setrecursionlimit() does not set:
    PyThreadState.c_recursion_remaining, the word after the limit.
    """
    if not _C_COUNTS:
        return
    words, at = _find()
    if not 0 < words[at + 2] <= _MOST_C_FRAMES:
        raise HostError(f"found {words[at + 2]} where C's recursion counter should be")
    words[at + 2] += frames


def _find() -> tuple[memoryview, int]:
    """The words of the thread's state, and the place of the counter."""
    get = ctypes.pythonapi.PyThreadState_Get
    get.restype = ctypes.c_void_p
    words = memoryview((ctypes.c_int32 * _NR_WORDS).from_address(get())).cast("B").cast("i")
    limit = sys.getrecursionlimit()
    shallow, deep = _look(words, 0), _look(words, 7)
    found = [i for i in range(_NR_WORDS - 1) if shallow[i] - deep[i] == 7 and shallow[i + 1] == deep[i + 1] == limit]
    if len(found) != 1:
        raise HostError(
            f"found no recursion counter in this Python ({sys.version.split()[0]}, {len(found)} candidates)"
        )
    return words, found[0]


def _look(words: memoryview, deeper: int) -> list[int]:
    return words.tolist() if not deeper else _look(words, deeper - 1)


def begin(room: memoryview, fn: Callable[..., T], *args: object) -> T:
    """with_room() for what the guest begins: RecursionError, and nothing is done, where not even RESERVE is left."""
    if room[0] < RESERVE:
        raise RecursionError("maximum recursion depth exceeded")
    return with_room(room, fn, *args)


def with_room(room: memoryview, fn: Callable[..., T], *args: object) -> T:
    """fn(*args), with KERNEL_FRAMES more."""
    room[0] += KERNEL_FRAMES
    try:
        return fn(*args)
    finally:
        room[0] -= KERNEL_FRAMES
