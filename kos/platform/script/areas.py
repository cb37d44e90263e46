"""What a script has mapped through kos.guest, and how a forked process comes to share it, or not.

A process that shares memory (CLONE_VM, vfork, rfork(RFMEM)) cannot be had for a Python interpreter: its own objects
would be shared too. So what was mapped through kos.guest is *lent*: private anonymous memory is replaced by shared
memory with the same bytes, and the process is forked. A later ordinary fork must not share it: its child makes it
private again, from a copy that was taken before the fork. The same machinery does those kinds of minherit that
madvise cannot.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kos.guest_abi import (
    INHERIT_COPY,
    INHERIT_NONE,
    INHERIT_ZERO,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
)
from kos.platform.script.libc import c_i64, c_int, c_u64, declare, done

mmap_raw = declare("mmap", c_u64, c_u64, c_u64, c_int, c_int, c_int, c_i64)
mprotect_raw = declare("mprotect", c_int, c_u64, c_u64, c_int)
madvise_raw = declare("madvise", c_int, c_u64, c_u64, c_int)


def page_up(n: int) -> int:
    """n rounded up to whole pages."""
    return (n + PAGE_SIZE - 1) & -PAGE_SIZE


@dataclass(frozen=True, order=True)
class Area:
    """One stretch of mapped memory, [start, end).

    kind: "private" or "shared" anonymous, "file" private of a file, "lent": private by right, shared just now because a
    process lives that shares our memory. inherit: an INHERIT_* that the host has no advice for; -1 = none.
    """

    start: int
    end: int
    kind: str
    inherit: int = -1


class Areas:
    """All of them, in order, without overlap. Guarded by the interpreter's lock: no operation lets go of it halfway."""

    def __init__(self) -> None:
        self.all: list[Area] = []

    def remove(self, start: int, length: int) -> None:
        end = start + page_up(length)
        left: list[Area] = []
        for area in self.all:
            if area.start < min(start, area.end):
                left.append(replace(area, end=min(start, area.end)))
            if max(end, area.start) < area.end:
                left.append(replace(area, start=max(end, area.start)))
        self.all = sorted(left)

    def add(self, start: int, length: int, kind: str, inherit: int = -1) -> None:
        self.remove(start, length)
        self.all = sorted([*self.all, Area(start, start + page_up(length), kind, inherit)])

    def within(self, start: int, length: int) -> list[Area]:
        end = start + page_up(length)
        parts = [replace(a, start=max(a.start, start), end=min(a.end, end)) for a in self.all]
        return [a for a in parts if a.start < a.end]


areas = Areas()


def vmas(start: int, end: int) -> Iterator[tuple[int, int, int, bool]]:
    """The kernel's view of a range: (start, end, prot, shared) of each mapping in it."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            span, perms = line.split()[:2]
            low, high = (int(word, 16) for word in span.split("-"))
            if low < end and start < high:
                prot = sum(bit for letter, bit in zip(perms, (1, 2, 4), strict=False) if letter != "-")
                yield max(low, start), min(high, end), prot, perms[3] == "s"


def contents(low: int, high: int, prot: int) -> bytes:
    """The bytes of a mapping, readable or not."""
    if not prot & PROT_READ:
        done(mprotect_raw(low, high - low, prot | PROT_READ))
    data = ctypes.string_at(low, high - low)
    if not prot & PROT_READ:
        done(mprotect_raw(low, high - low, prot))
    return data


def renew(low: int, high: int, prot: int, flags: int, data: bytes | None) -> None:
    """Fresh anonymous memory with these contents (None: zeros) over what is there."""
    done(mmap_raw(low, high - low, PROT_READ | PROT_WRITE, flags | MAP_FIXED | MAP_ANONYMOUS, -1, 0))
    if data is not None:
        ctypes.memmove(low, data, high - low)
    done(mprotect_raw(low, high - low, prot))


def convert(area: Area, flags: int) -> None:
    """Turn an area's memory into MAP_SHARED or MAP_PRIVATE memory with the same bytes and protections."""
    for low, high, prot, _ in list(vmas(area.start, area.end)):
        renew(low, high, prot, flags, contents(low, high, prot))


def lend() -> list[Area]:
    """Make all private memory such that a forked process shares it; what was changed."""
    lent = [area for area in areas.all if area.kind == "private"]
    for area in lent:
        convert(area, MAP_SHARED)
        areas.add(area.start, area.end - area.start, "lent", area.inherit)
    return lent


class ForkState:
    """Between the hooks around a fork. repairs: (area, low, high, prot, contents) to make private in the child."""

    sharing = False
    repairs: list[tuple[Area, int, int, int, bytes | None]] = []
    vfork_fds: list[int] = []  #: in a vforked child: closed by its exec or end, which wakes the parent


def _before_fork() -> None:
    ForkState.repairs = []
    if ForkState.sharing:
        return
    for area in areas.all:
        wipes = area.inherit == INHERIT_ZERO and area.kind != "private"
        copies = area.kind == "lent" and area.inherit == -1
        copies = copies or (area.inherit == INHERIT_COPY and area.kind in ("shared", "lent"))
        if copies or wipes:
            # Copied here, before there is a child: the parent goes on writing while the child is still starting.
            for low, high, prot, _ in vmas(area.start, area.end):
                ForkState.repairs.append((area, low, high, prot, contents(low, high, prot) if copies else None))


def _after_fork_in_child() -> None:
    for area, low, high, prot, data in ForkState.repairs:
        renew(low, high, prot, MAP_PRIVATE, data)
        areas.add(low, high - low, "private", area.inherit)
        if area.inherit == INHERIT_ZERO:
            done(madvise_raw(low, high - low, MADV_WIPEONFORK))  # for the child's own children
    for area in [area for area in areas.all if area.inherit == INHERIT_NONE]:
        areas.remove(area.start, area.end - area.start)
    ForkState.repairs = []
    for fd in ForkState.vfork_fds:
        os.close(fd)
    ForkState.vfork_fds = []


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
