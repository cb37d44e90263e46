"""Real atomic operations on shared memory: a few bytes of x86-64 machine code with a lock prefix.

The standard library has no atomic read-modify-write, and the package `atomics` measured 9-17 us an
operation; this is 150-250 ns through ctypes. fence(): a store before it is visible to every CPU before a load
after it is made (needed where two CPUs each store, then look). Any locked instruction does that (Intel SDM volume
3A, 8.2.2), and looking whether a lock of Python's is free executes two, up to 3.12: 20 ns instead of the 200 of an
mfence through ctypes.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import sys
import threading
from collections.abc import Callable

from kos.errors import HostError

_CODE = (
    bytes.fromhex("f0480fc137 4889f0 c3"),  # lock xadd [rdi],rsi; mov rax,rsi; ret
    bytes.fromhex("488737 4889f0 c3"),  # xchg [rdi],rsi; mov rax,rsi; ret
    bytes.fromhex("4889f0 f0480fb117 c3"),  # mov rax,rsi; lock cmpxchg [rdi],rdx; ret
    bytes.fromhex("0faef0 31c0 c3"),  # mfence; xor eax,eax; ret
)
MASK64 = (1 << 64) - 1
_u64 = ctypes.c_uint64
_page: mmap.mmap | None = None


def _assemble() -> list[int]:
    """Addresses of the routines, on one executable page made at import."""
    global _page
    if platform.machine() != "x86_64":
        raise HostError("kos needs an x86-64 host: its atomics are x86-64 machine code")
    _page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    base = ctypes.addressof(ctypes.c_char.from_buffer(_page))
    for slot, code in enumerate(_CODE):
        _page[64 * slot : 64 * slot + len(code)] = code
    return [base + 64 * slot for slot in range(len(_CODE))]


_xadd_at, _xchg_at, _cas_at, _fence_at = _assemble()
_two = ctypes.PYFUNCTYPE(_u64, _u64, _u64)
_three = ctypes.PYFUNCTYPE(_u64, _u64, _u64, _u64)
fetch_add64: Callable[[int, int], int] = _two(_xadd_at)  #: (host address, n < 2**64) -> old value
exchange64: Callable[[int, int], int] = _two(_xchg_at)
compare_exchange64: Callable[[int, int, int], int] = _three(_cas_at)
fence: Callable[[], object] = ctypes.PYFUNCTYPE(_u64)(_fence_at)
if sys.version_info < (3, 13):
    # Modules/_threadmodule.c, lock_locked_lock(): takes the lock and lets it go again. From 3.13 on it only loads.
    fence = threading.Lock().locked
