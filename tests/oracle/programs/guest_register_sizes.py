"""Stores keep the low bits of a value; lengths are 64-bit registers; unaligned atomics work inside a page."""

import array
import errno
import os

from kos import guest

RW = guest.PROT_READ | guest.PROT_WRITE
a = guest.mmap(0, 2 * guest.PAGE_SIZE, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)


def attempt(name, call):
    try:
        call()
        print(name, "ok")
    except OSError as e:
        print(name, errno.errorcode[e.errno])


for bits in (8, 16, 32, 64):
    store = getattr(guest, f"store{bits}")
    for value in (1 << bits, -1, (1 << bits) + 5, True):
        store(a, value)
        print(bits, value, guest.load(a, 9).hex())
guest.store(a, array.array("H", [1, 2, 3]))
guest.store(a + 8, memoryview(b"abcdef")[::2])
print(guest.load(a, 12))
guest.store64(a + 3, 7)
print(
    guest.fetch_add64(a + 3, 5),
    guest.exchange64(a + 3, -1),
    guest.compare_exchange64(a + 3, -1, 9),
    guest.load64(a + 3),
)
attempt("mmap -1", lambda: guest.mmap(0, -1, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS))
attempt("mmap both", lambda: guest.mmap(0, 4096, RW, guest.MAP_PRIVATE | guest.MAP_SHARED | guest.MAP_ANONYMOUS))
attempt("munmap -1", lambda: guest.munmap(a, -1))
attempt("mprotect -1", lambda: guest.mprotect(a, -1, RW))
attempt("mincore -1", lambda: guest.mincore(a, -1))
attempt("msync -1", lambda: guest.msync(a, -1, guest.MS_SYNC))
attempt("last page", lambda: guest.mmap((1 << 47) - 4096, 4096, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS | 16))
attempt("madvise above", lambda: guest.madvise(1 << 63, 4096, guest.MADV_DONTNEED))
attempt("madvise wraps", lambda: guest.madvise(-4096, 8192, guest.MADV_DONTNEED))
attempt("mprotect above", lambda: guest.mprotect(1 << 63, 4096, RW))
attempt("mprotect sem", lambda: guest.mprotect(a, 4096, RW | 8))


def fate(call, *args):
    """How a child ends that makes the call: with 0, or 1 for an OverflowError, or by a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            call(*args)
        except OverflowError as e:
            print(e, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# A word's address has to fit a register; where bytes are copied, it is what a register holds of it.
above, below = (1 << 64) + a, a - (1 << 64)
for address in (1 << 64, -(1 << 63) - 1, -(1 << 63) - 8):
    print(address, fate(guest.load8, address), fate(guest.load64, address), fate(guest.store32, address, 1))
print(fate(guest.load8, 1 << 63), fate(guest.store8, -8, 1))
for address in (above, below):
    guest.store(address, b"through")
    print(guest.load(address, 7), guest.load(a, 7), guest.load(address, 4097)[:2], guest.fetch_add64(address + 64, 1))
    print(guest.futex_wake(address, 1), guest.write(os.pipe()[1], address, 3), fate(guest.load8, address))
print(fate(guest.fetch_add64, -4, 1))
attempt("join", lambda: guest.join(1 << 40))
attempt("pagemap", lambda: guest.pagemap(-4096))
