"""kos.guest on the host, memory: the system calls, loads and stores, atomics, futexes, the page map."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from typing import Any

from kos.guest_abi import (
    INHERIT_COPY,
    INHERIT_NONE,
    INHERIT_SHARE,
    INHERIT_ZERO,
    MADV_DOFORK,
    MADV_DONTFORK,
    MADV_KEEPONFORK,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_FIXED_NOREPLACE,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    MS_SYNC,
    PAGE_SIZE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    PageInfo,
)
from kos.platform.script.areas import areas, convert, madvise_raw, mmap_raw, mprotect_raw, page_up, vmas
from kos.platform.script.libc import (
    NR_FUTEX,
    NR_READ,
    NR_WRITE,
    WORD,
    c_i64,
    c_int,
    c_u64,
    declare,
    done,
    fail,
    syscall,
)

_munmap = declare("munmap", c_int, c_u64, c_u64)
_mremap = declare("mremap", c_u64, c_u64, c_u64, c_u64, c_int, c_u64)
_mincore = declare("mincore", c_int, c_u64, c_u64, ctypes.c_char_p)
_msync = declare("msync", c_int, c_u64, c_u64, c_int)


def mmap(addr: int, length: int, prot: int, flags: int, fd: int = -1, offset: int = 0) -> int:
    """mmap(2); the address."""
    at = done(mmap_raw(addr, length, prot, flags, fd, offset))
    if flags & MAP_FIXED_NOREPLACE and at != addr:  # a kernel older than 4.17 takes it for a hint
        _munmap(at, length)
        fail(errno.EEXIST)
    areas.add(at, length, "shared" if flags & MAP_SHARED else "private" if flags & MAP_ANONYMOUS else "file")
    return at


def munmap(addr: int, length: int) -> None:
    """munmap(2)."""
    done(_munmap(addr, length))
    areas.remove(addr, length)


def mprotect(addr: int, length: int, prot: int) -> None:
    """mprotect(2)."""
    done(mprotect_raw(addr, length, prot))


def mremap(addr: int, old: int, new: int, flags: int = 0) -> int:
    """mremap(2) without MREMAP_FIXED, for which there is no argument; the address."""
    if flags & MREMAP_FIXED:
        fail(errno.EINVAL)
    parts = areas.within(addr, max(old, 1))
    at = done(_mremap(addr, old, new, flags, 0))  # 0: no wish where MREMAP_DONTUNMAP puts it
    if parts:
        if not flags & MREMAP_DONTUNMAP:
            areas.remove(addr, old)
        for part in parts:
            areas.add(part.start - addr + at, part.end - part.start, part.kind, part.inherit)
        grown = page_up(new) - page_up(old)
        if grown > 0:
            areas.add(at + page_up(old), grown, parts[-1].kind, parts[-1].inherit)
        elif grown < 0:
            areas.remove(at + page_up(new), -grown)
    return at


def madvise(addr: int, length: int, advice: int) -> None:
    """madvise(2)."""
    done(madvise_raw(addr, length, advice))


def mincore(addr: int, length: int) -> bytes:
    """mincore(2): one byte a page, 1 = resident."""
    pages = page_up(length) // PAGE_SIZE
    vector = ctypes.create_string_buffer(max(pages, 1))
    done(_mincore(addr, length, vector))
    return bytes([byte & 1 for byte in vector.raw[:pages]])


def msync(addr: int, length: int, flags: int = MS_SYNC) -> None:
    """msync(2)."""
    done(_msync(addr, length, flags))


def minherit(addr: int, length: int, inherit: int) -> None:
    """FreeBSD's minherit(2), on memory that this module mapped."""
    if inherit not in (INHERIT_SHARE, INHERIT_COPY, INHERIT_NONE, INHERIT_ZERO):
        fail(errno.EINVAL)
    low = addr & -PAGE_SIZE
    size = page_up(addr + length - low)
    parts = areas.within(low, size)
    if sum(part.end - part.start for part in parts) != size:
        raise NotImplementedError("minherit on the host: only memory that guest.mmap made")
    if inherit == INHERIT_NONE:
        done(madvise_raw(low, size, MADV_DONTFORK))
    for part in parts:
        kind, span = part.kind, part.end - part.start
        if inherit != INHERIT_NONE:
            madvise_raw(part.start, span, MADV_DOFORK)
            if kind == "file" and inherit == INHERIT_SHARE:
                raise NotImplementedError("minherit on the host: a private mapping of a file")
        if kind == "private" and inherit != INHERIT_NONE:
            madvise_raw(part.start, span, MADV_KEEPONFORK)
            if inherit == INHERIT_ZERO:
                done(madvise_raw(part.start, span, MADV_WIPEONFORK))
        if kind in ("private", "lent") and inherit == INHERIT_SHARE:
            if kind == "private":
                convert(part, MAP_SHARED)
            kind = "shared"
        areas.add(part.start, span, kind, inherit)


_HEAP_START, _HEAP_ROOM = 0x2000_0000_0000, 1 << 40
_heap = [_HEAP_START]  #: [0] is the heap's end


def brk(addr: int) -> int:
    """brk(2): set the heap's end; returns the end afterwards, unchanged where it could not be set."""
    if not _HEAP_START <= addr <= _HEAP_START + _HEAP_ROOM:
        return _heap[0]
    old, new = page_up(_heap[0]), page_up(addr)
    if new > old:
        prot, flags = PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE
        if mmap_raw(old, new - old, prot, flags, -1, 0) != old:
            return _heap[0]
        areas.add(old, new - old, "private")
    elif new < old:
        done(_munmap(new, old - new))
        areas.remove(new, old - new)
    _heap[0] = addr
    return addr


def sbrk(increment: int) -> int:
    """sbrk(3): move the heap's end; returns the end before."""
    old = _heap[0]
    if increment and brk(old + increment) != old + increment:
        fail(errno.ENOMEM)
    return old


def load(addr: int, n: int) -> bytes:
    """n bytes at addr."""
    return ctypes.string_at(addr, n)


def store(addr: int, data: Any) -> None:
    """Put the bytes of any buffer at addr."""
    raw = bytes(data)
    ctypes.memmove(addr, raw, len(raw))


def read(fd: int, addr: int, n: int) -> int:
    """read(2) to a raw address: EFAULT where it is bad."""
    return done(syscall(NR_READ, fd, addr, n, 0, 0, 0))


def write(fd: int, addr: int, n: int) -> int:
    """write(2) from a raw address: EFAULT where it is bad."""
    return done(syscall(NR_WRITE, fd, addr, n, 0, 0, 0))


def _word_access(kind: Any, mask: int) -> tuple[Callable[[int], int], Callable[[int, int], None]]:
    def load_word(addr: int) -> int:
        return kind.from_address(addr).value  # type: ignore[no-any-return]  # a ctypes integer

    def store_word(addr: int, value: int) -> None:
        kind.from_address(addr).value = value & mask

    return load_word, store_word


load8, store8 = _word_access(ctypes.c_uint8, 0xFF)
load16, store16 = _word_access(ctypes.c_uint16, 0xFFFF)
load32, store32 = _word_access(ctypes.c_uint32, 0xFFFF_FFFF)
load64, store64 = _word_access(ctypes.c_uint64, WORD)


def _assemble() -> tuple[Any, Any, Any]:
    """The three atomics as functions (System V ABI: rdi, rsi, rdx; result in rax)."""
    codes = (
        "4889f0 f0480fc107 c3",  # mov rax, rsi; lock xadd [rdi], rax; ret
        "4889f0 488707 c3",  # mov rax, rsi; xchg [rdi], rax (locked by itself); ret
        "4889f0 f0480fb117 c3",  # mov rax, rsi; lock cmpxchg [rdi], rdx; ret
    )
    page = done(mmap_raw(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    for slot, code in enumerate(codes):
        ctypes.memmove(page + 32 * slot, bytes.fromhex(code), len(bytes.fromhex(code)))
    done(mprotect_raw(page, PAGE_SIZE, PROT_READ | PROT_EXEC))
    two, three = (ctypes.PYFUNCTYPE(c_u64, *[c_u64] * n) for n in (2, 3))
    return two(page), two(page + 32), three(page + 64)


_xadd, _xchg, _cmpxchg = _assemble()


def fetch_add64(addr: int, n: int) -> int:
    """Add to a word, atomically; its old value."""
    return int(_xadd(addr, n & WORD))


def exchange64(addr: int, v: int) -> int:
    """Replace a word, atomically; its old value."""
    return int(_xchg(addr, v & WORD))


def compare_exchange64(addr: int, expected: int, desired: int) -> int:
    """Replace a word if it is `expected`, atomically; its old value either way."""
    return int(_cmpxchg(addr, expected & WORD, desired & WORD))


def futex_wait(addr: int, expected: int, timeout: float | None = None) -> int:
    """Sleep until a wake, if the 32-bit word is `expected`; EAGAIN if it is not, ETIMEDOUT after `timeout` seconds."""
    limit = (c_i64 * 2)(0, 0)
    if timeout is not None:
        limit[0], limit[1] = int(timeout), int(timeout % 1 * 1_000_000_000)
    at = 0 if timeout is None else ctypes.addressof(limit)
    return done(syscall(NR_FUTEX, addr, 0, expected & 0xFFFF_FFFF, at, 0, 0))


def futex_wake(addr: int, n: int) -> int:
    """Wake up to n sleepers of a word; how many."""
    return done(syscall(NR_FUTEX, addr, 1, min(n, 0x7FFF_FFFF), 0, 0, 0))


def pagemap(addr: int) -> PageInfo:
    """One page of the caller's, from /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst)."""
    page = addr // PAGE_SIZE
    fd = os.open("/proc/self/pagemap", os.O_RDONLY)
    try:
        entry = int.from_bytes(os.pread(fd, 8, 8 * page), "little")
    finally:
        os.close(fd)
    if not entry >> 63:
        return PageInfo(False, 0, False, False, False, False)
    shared = not entry >> 56 & 1  # bit 56: mapped exclusively
    writable = any(prot & PROT_WRITE and (lent or not shared) for _, _, prot, lent in vmas(addr, addr + 1))
    return PageInfo(True, entry & ((1 << 55) - 1), writable, bool(entry >> 55 & 1), True, shared)
