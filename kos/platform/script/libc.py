"""The C library by ctypes: how a call is declared, and how its failure becomes an OSError."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

if not (sys.platform == "linux" and os.uname().machine == "x86_64"):
    raise ImportError("kos.guest on the host needs Linux on x86-64")

WORD = (1 << 64) - 1
c_int, c_i64, c_u64 = ctypes.c_int, ctypes.c_int64, ctypes.c_uint64


def declare(name: str, result: Any, *arguments: Any, holding: bool = False) -> Callable[..., Any]:
    """A function of the C library; holding: it keeps the interpreter's lock (a fork must)."""
    library = ctypes.PyDLL(None, use_errno=True) if holding else ctypes.CDLL(None, use_errno=True)
    function = library[name]
    function.restype, function.argtypes = result, arguments
    return function


def fail(number: int = 0) -> NoReturn:
    """Raise OSError for an errno; 0: the one of the last call."""
    number = number or ctypes.get_errno()
    raise OSError(number, os.strerror(number))


def done(result: int) -> int:
    """The result of a call that says -1 when it failed."""
    if result == -1 or result == WORD:
        fail()
    return result


syscall = declare("syscall", c_i64, c_i64, *[c_u64] * 6)
NR_READ, NR_WRITE, NR_CLONE, NR_FUTEX = 0, 1, 56, 202
_PR_SET_THP_DISABLE = 41

# Huge pages off: a page is to be 4096 bytes to mincore and pagemap as well.
declare("prctl", c_int, c_int, *[c_u64] * 4)(_PR_SET_THP_DISABLE, 1, 0, 0, 0)
