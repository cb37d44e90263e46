"""kos.guest on the host: what the standard library has no name for, on real memory and real system calls.

A guest that says `from kos import guest` gets this file when it runs as a plain script, and the emulated module
(kos/stdlib/guest_.py) under kos. So the host is the oracle for these calls too. Linux on x86-64, CPython 3.11 or later,
by ctypes (kos/platform/script); nothing of the emulator is imported.

Real: mmap, munmap, mprotect, mremap, madvise, mincore, msync, read and write on raw addresses, futexes, faults, fork,
getcpu, the page map, and the atomics, which are a few bytes of machine code with a lock prefix.

Imitated, because the interpreter stands in the way:

* brk, sbrk: the C library's allocator owns the real heap, so this one is a mapping at a fixed empty place.
* clone with CLONE_THREAD is a Python thread with copied arguments. Its closures and globals are shared with its maker
  here, and copies under kos: a guest must not talk through them.
* Sharing memory with a process (CLONE_VM, RFMEM, vfork): only what was mapped through this module is shared, see
  areas.py. What is mapped or unmapped later, one does not see of the other. After vfork the parent's memory is private
  again.
* minherit on what the host's madvise has no advice for, by hooks around os.fork.
* pagemap: pfn is 0 without privilege, accessed is present's value, and writable is inferred.

A handler in Python for SIGSEGV or SIGBUS cannot run for a fault of load or store: the interpreter notes the signal and
the instruction faults again, for ever. Guests leave those two alone.
"""

from __future__ import annotations

from kos.guest_abi import *  # noqa: F403  # the numbers, all of them
from kos.guest_abi import __all__ as _numbers
from kos.platform.script.memory import (
    brk,
    compare_exchange64,
    exchange64,
    fetch_add64,
    futex_wait,
    futex_wake,
    load,
    load8,
    load16,
    load32,
    load64,
    madvise,
    mincore,
    minherit,
    mmap,
    mprotect,
    mremap,
    msync,
    munmap,
    pagemap,
    read,
    sbrk,
    store,
    store8,
    store16,
    store32,
    store64,
    write,
)
from kos.platform.script.tasks import clone, exit_thread, getcpu, gettid, join, rfork, vfork

__all__ = [
    *_numbers, "brk", "clone", "compare_exchange64", "exchange64", "exit_thread", "fetch_add64", "futex_wait",
    "futex_wake", "getcpu", "gettid", "join", "load", "load8", "load16", "load32", "load64", "madvise", "mincore",
    "minherit", "mmap", "mprotect", "mremap", "msync", "munmap", "pagemap", "read", "rfork", "sbrk", "store", "store8",
    "store16", "store32", "store64", "vfork", "write",
]  # fmt: skip
