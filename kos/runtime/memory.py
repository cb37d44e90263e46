"""A guest's loads and stores: the hot path. A TLB hit is one dict lookup here; all else is in kos/hw/mmu.py.

    at = vaddr + hot.read[vaddr >> 12]      physical address: the TLB remembers physical minus virtual
    value = hot.mem[at]

A miss walks the tables and takes faults (kos/mm/fault.py), then the access is made again. Interrupts are polled
in kernel waits, at safepoints and before a miss, never between a translation and its access: who has acknowledged
a shootdown has no access on the old translation under way; the host-signal handler of a CPU leaves kos' own code
alone for the same reason. An aligned access of 2, 4 or 8 bytes is one load or store of the host, so it is never
torn; one that crosses a page is done page by page.

Measured on Python 3.11 on a busy host, TLB hit: load8 and store8 110 ns, load64 150 ns, store64 170 ns.
"""

from __future__ import annotations

from collections.abc import Callable

from kos.errors import KernelBug
from kos.hw.cpu import this
from kos.hw.ipi import poll_ipis
from kos.hw.phys import frames
from kos.hw.pte import READ, WRITE
from kos.hw.stop import BROKEN, stop_machine
from kos.hw.tlb import hot
from kos.mm.fault import OK, FaultResult, resolve
from kos.params import PAGE_SIZE
from kos.platform.host import atomic
from kos.platform.host.depth import begin, with_room

SIGBUS, SIGSEGV = 7, 11
NOTED_PAGES = 4  #: a run of so many pages is noted
MASK64 = (1 << 64) - 1


def _no_task(vaddr: int, signal: int) -> None:
    raise KernelBug(f"bad access to {vaddr:#x} (signal {signal}) outside any task")


def _no_killer(vaddr: int) -> None:
    raise KernelBug(f"out of memory at {vaddr:#x} outside any task")


class Hooks:
    """What the layers above do about accesses that fail; filled at boot."""

    #: (vaddr, signal): returns only to have the access tried again
    on_bad_access: Callable[[int, int], None] = staticmethod(_no_task)
    #: (vaddr, signal): the same for an access on C's behalf: the signal is taken once C has returned
    note_bad_access: Callable[[int, int], None] = staticmethod(_no_task)
    #: (vaddr): returns to have the access tried again, once memory has been found
    on_out_of_memory: Callable[[int], None] = staticmethod(_no_killer)


hooks = Hooks()


def miss(vaddr: int, access: int) -> int:
    """Translate after a TLB miss; returns physical minus virtual address. Does not return from a bad access."""
    if not this.has_room:
        return begin(this.room, miss, vaddr, access)
    while True:
        if this.interrupted:
            poll_ipis()  # a copy of a million pages keeps nobody waiting
        try:
            result = resolve(vaddr, access)
        except BROKEN as e:
            stop_machine(e)
        if result is OK:
            return (hot.write if access == WRITE else hot.read)[vaddr >> 12]
        if result is FaultResult.OOM:
            hooks.on_out_of_memory(vaddr)
            continue
        _in_register(vaddr)
        # It returns where the guest has a handler for the signal: the access is made again, as hardware does.
        hooks.on_bad_access(vaddr, SIGBUS if result is FaultResult.SIGBUS else SIGSEGV)


def _in_register(vaddr: int) -> int:
    """A word's address, refused as ctypes does it. Where bytes are copied, it is what a register holds of it."""
    if not -(1 << 63) <= vaddr <= MASK64:
        raise OverflowError(f"Python int too large to convert to C {'unsigned ' if vaddr > 0 else ''}long")
    return vaddr


def load8(addr: int) -> int:
    """One byte."""
    try:
        return hot.mem[addr + hot.read[addr >> 12]]
    except KeyError:
        pass  # the miss is outside: whatever it raises has nothing to do with a KeyError
    return hot.mem[addr + miss(addr, READ)]


def store8(addr: int, value: int) -> None:
    """One byte; value modulo 2**8."""
    try:
        hot.mem[addr + hot.write[addr >> 12]] = value
        return
    except (KeyError, TypeError, ValueError):
        pass  # the miss is outside, as in load8; a value that is no byte is looked at by the mask
    value = value & 0xFF
    delta = hot.write.get(addr >> 12)
    if delta is None:
        delta = miss(addr, WRITE)
    hot.mem[addr + delta] = value


def load64(addr: int) -> int:
    """Eight bytes, little-endian, unsigned."""
    if addr & 7:
        return int.from_bytes(load(_in_register(addr), 8), "little")
    try:
        return hot.mem64[addr + hot.read[addr >> 12] >> 3]
    except KeyError:
        pass
    return hot.mem64[addr + miss(addr, READ) >> 3]


def store64(addr: int, value: int) -> None:
    """Eight bytes; value modulo 2**64."""
    if addr & 7:
        store(_in_register(addr), (value & MASK64).to_bytes(8, "little"))
        return
    delta = hot.write.get(addr >> 12)
    if delta is None:
        delta = miss(addr, WRITE)
    hot.mem64[addr + delta >> 3] = value & MASK64


def load32(addr: int) -> int:
    """Four bytes, little-endian, unsigned."""
    if addr & 3:
        return int.from_bytes(load(_in_register(addr), 4), "little")
    delta = hot.read.get(addr >> 12)
    if delta is None:
        delta = miss(addr, READ)
    return hot.mem32[addr + delta >> 2]


def store32(addr: int, value: int) -> None:
    """Four bytes; value modulo 2**32."""
    if addr & 3:
        store(_in_register(addr), (value & 0xFFFFFFFF).to_bytes(4, "little"))
        return
    delta = hot.write.get(addr >> 12)
    if delta is None:
        delta = miss(addr, WRITE)
    hot.mem32[addr + delta >> 2] = value & 0xFFFFFFFF


def load16(addr: int) -> int:
    """Two bytes, little-endian, unsigned."""
    if addr & 1:
        return int.from_bytes(load(_in_register(addr), 2), "little")
    delta = hot.read.get(addr >> 12)
    if delta is None:
        delta = miss(addr, READ)
    return hot.mem16[addr + delta >> 1]


def store16(addr: int, value: int) -> None:
    """Two bytes; value modulo 2**16."""
    if addr & 1:
        store(_in_register(addr), (value & 0xFFFF).to_bytes(2, "little"))
        return
    delta = hot.write.get(addr >> 12)
    if delta is None:
        delta = miss(addr, WRITE)
    hot.mem16[addr + delta >> 1] = value & 0xFFFF


def load(addr: int, n: int) -> bytes:
    """n bytes from any address on."""
    chunk = PAGE_SIZE - (addr & 4095)
    if n <= chunk:
        if n <= 0:
            return b""
        delta = hot.read.get(addr >> 12)
        if delta is None:
            if addr >> 64:
                return load(addr & MASK64, n)
            delta = miss(addr, READ)
        at = addr + delta
        return hot.mem[at : at + n].tobytes()
    addr &= MASK64
    parts: list[bytes | memoryview] = []
    nr_copied = 0
    end = addr + n
    while addr < end:
        delta = hot.read.get(addr >> 12)
        if delta is None:
            # What was found so far is good only until interrupts are polled: copy it now.
            while nr_copied < len(parts):
                parts[nr_copied] = bytes(parts[nr_copied])
                nr_copied += 1
            delta = miss(addr, READ)
        upto = _run(hot.read, hot.read_runs, addr, end, delta)
        parts.append(hot.mem[addr + delta : upto + delta])
        addr = upto
    return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)


def store(addr: int, data: bytes | bytearray | memoryview) -> None:
    """Bytes to any address on. Pages before a bad one are stored: the signal says so, as on hardware."""
    if type(data) is not bytes and type(data) is not bytearray:
        data = bytes(data)  # any buffer: of words, with steps
    n = len(data)
    chunk = PAGE_SIZE - (addr & 4095)
    if n <= chunk:
        if not n:
            return
        delta = hot.write.get(addr >> 12)
        if delta is None:
            if addr >> 64:
                return store(addr & MASK64, data)
            delta = miss(addr, WRITE)
        at = addr + delta
        hot.mem[at : at + n] = data
        return
    addr &= MASK64
    view = memoryview(data)
    begin = addr
    end = addr + n
    while addr < end:
        delta = hot.write.get(addr >> 12)
        if delta is None:
            delta = miss(addr, WRITE)
        upto = _run(hot.write, hot.write_runs, addr, end, delta)
        hot.mem[addr + delta : upto + delta] = view[addr - begin : upto - begin]
        addr = upto


def is_accessible(vaddr: int, n: int, access: int) -> bool:
    """May C's copy of these bytes be made, or stored back? If not, its signal is noted: C cannot be left from here."""
    known = hot.write if access == WRITE else hot.read
    for page in range(vaddr >> 12, vaddr + n + 4095 >> 12):
        if page in known:
            continue
        try:
            if not this.has_room:
                result = with_room(this.room, resolve, max(page << 12, vaddr), access)
            else:
                result = resolve(max(page << 12, vaddr), access)
        except BROKEN as e:
            stop_machine(e)
        if result in (FaultResult.SIGBUS, FaultResult.SIGSEGV):
            hooks.note_bad_access(vaddr, SIGBUS if result is FaultResult.SIGBUS else SIGSEGV)
            return False
    return True


def _run(known: dict[int, int], runs: dict[int, int], vaddr: int, end: int, delta: int) -> int:
    """How far pages that lie side by side in physical memory, too, can be copied at once; looks no further than `end`.

    A page costs 40 ns, a copy of its own 400. A run of some length is noted, until the TLB changes.
    """
    first = vaddr >> 12
    last = end - 1 >> 12
    page = runs.get(first, first + 1)
    get = known.get
    while page <= last and get(page) == delta:
        page = runs.get(page, page + 1)
    if page - first >= NOTED_PAGES:
        runs[first] = page
        hot.has_windows = True
    return min(page << 12, end)


# --- atomics: real ones, on the host address -----------------------------------------------------------------


def host_address(vaddr: int) -> int:
    """Host address of a word that is about to be changed; good until this CPU next polls its interrupts.

    A word that lies in two pages is SIGBUS: no atomic operation of the host reaches over two frames.
    """
    vaddr &= MASK64
    if vaddr & 4095 > PAGE_SIZE - 8:
        for page in (vaddr, vaddr + 7):
            if page >> 12 not in hot.write:
                miss(page & MASK64, WRITE)  # first of all, it has to be there
        begin(this.room, hooks.on_bad_access, vaddr, SIGBUS)
    delta = hot.write.get(vaddr >> 12)
    if delta is None:
        delta = miss(vaddr, WRITE)
    return frames.addr + vaddr + delta


def fetch_add64(addr: int, n: int) -> int:
    """Add to a word; the old value."""
    return atomic.fetch_add64(host_address(addr), n & MASK64)


def exchange64(addr: int, v: int) -> int:
    """Replace a word; the old value."""
    return atomic.exchange64(host_address(addr), v & MASK64)


def compare_exchange64(addr: int, expected: int, desired: int) -> int:
    """Replace a word if it holds `expected`; the old value."""
    return atomic.compare_exchange64(host_address(addr), expected & MASK64, desired & MASK64)
