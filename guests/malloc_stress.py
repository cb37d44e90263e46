"""A memory allocator in Python over sbrk, and a program that strains it, before and after a fork.

Look for: the heap is simulated memory, headers and all: Kernighan and Ritchie's circular free list (The C Programming
Language, 8.7) lives in it as words. After a fork parent and child have a heap each, with the same addresses in it, and
free and allocate in different orders without disturbing one another: copy-on-write for a real data structure. Usage:
malloc_stress [STEPS] [SEED]
"""

import os
import random
import sys

from kos import guest

HEADER = 16  # a block: next free block (u64), size in units of 16 bytes with the header (u64)
UNIT = 16
CHUNK_UNITS = 1024  # what is asked of the kernel at least


class Heap:
    """malloc and free. base: a header of length 0 in the heap, where the circle begins."""

    def __init__(self) -> None:
        self.base = guest.sbrk(UNIT)
        guest.store64(self.base, self.base)
        guest.store64(self.base + 8, 0)
        self.free_list = self.base

    def malloc(self, size: int) -> int:
        units = (size + UNIT - 1) // UNIT + 1
        before = self.free_list
        block = guest.load64(before)
        while True:
            have = guest.load64(block + 8)
            if have >= units:
                if have == units:
                    guest.store64(before, guest.load64(block))
                else:  # give the tail end, so that the list does not change
                    guest.store64(block + 8, have - units)
                    block += (have - units) * UNIT
                    guest.store64(block + 8, units)
                self.free_list = before
                return block + HEADER
            if block == self.free_list:
                self._grow(units)
                block = self.free_list
            before, block = block, guest.load64(block)

    def _grow(self, units: int) -> None:
        units = max(units, CHUNK_UNITS)
        block = guest.sbrk(units * UNIT)
        guest.store64(block + 8, units)
        self.free(block + HEADER)

    def free(self, addr: int) -> None:
        block = addr - HEADER
        at = self.free_list
        while not at < block < guest.load64(at):
            if at >= guest.load64(at) and (block > at or block < guest.load64(at)):
                break  # at one of the two ends of the arena
            at = guest.load64(at)
        after = guest.load64(at)
        if block + guest.load64(block + 8) * UNIT == after:  # join with the one above
            guest.store64(block + 8, guest.load64(block + 8) + guest.load64(after + 8))
            after = guest.load64(after)
        guest.store64(block, after)
        if at + guest.load64(at + 8) * UNIT == block:  # join with the one below
            guest.store64(at + 8, guest.load64(at + 8) + guest.load64(block + 8))
            guest.store64(at, guest.load64(block))
        else:
            guest.store64(at, block)
        self.free_list = at

    def free_units(self) -> int:
        """Units in the free list, by walking it."""
        total, at = 0, guest.load64(self.base)
        while at != self.base:
            total += guest.load64(at + 8)
            at = guest.load64(at)
        return total


def strain(heap: Heap, live: dict[int, tuple[int, int]], rng: random.Random, steps: int) -> int:
    """Allocate, fill, check and free at random; live: address -> (size, fill byte). How many blocks were damaged."""
    damaged = 0
    for step in range(steps):
        if live and rng.random() < 0.45:
            addr = rng.choice(sorted(live))
            size, fill = live.pop(addr)
            damaged += guest.load(addr, size) != bytes([fill]) * size
            heap.free(addr)
        else:
            size, fill = rng.randrange(1, 400), step % 251 + 1
            addr = heap.malloc(size)
            guest.store(addr, bytes([fill]) * size)
            live[addr] = (size, fill)
    return damaged


def drain(heap: Heap, live: dict[int, tuple[int, int]]) -> tuple[int, bool]:
    """Check and free all that is left: (damaged blocks, whether everything is one list again)."""
    damaged = 0
    for addr, (size, fill) in sorted(live.items()):
        damaged += guest.load(addr, size) != bytes([fill]) * size
        heap.free(addr)
    live.clear()
    heap_units = (guest.sbrk(0) - heap.base) // UNIT - 1
    return damaged, heap.free_units() == heap_units


def main() -> int:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    heap = Heap()
    live: dict[int, tuple[int, int]] = {}
    damaged = strain(heap, live, random.Random(seed), steps)
    print("before the fork: blocks in use:", len(live), "damaged:", damaged, flush=True)

    pid = os.fork()
    who = "child" if pid == 0 else "parent"
    status = 0
    damaged = strain(heap, live, random.Random(seed + (1 if pid == 0 else 2)), steps)
    if pid:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    in_use = len(live)
    late, whole = drain(heap, live)
    print(f"{who}: blocks in use: {in_use}, damaged: {damaged + late}, heap whole again: {whole}", flush=True)
    return 1 if damaged or late or not whole or status else 0


if __name__ == "__main__":
    sys.exit(main())
