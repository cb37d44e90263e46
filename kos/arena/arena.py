"""The arena: one shared-memory block that is the whole machine, and the map of what lies where.

    page 0     header: magic, version, sizes, and the map itself as JSON, so that anyone can attach
    then       every declared segment (kos.arena.table.REGISTRY), each starting on a page of its own

The block is sparse: a segment costs host memory only where it has been touched.
"""

from __future__ import annotations

import ctypes
import json
from typing import Annotated

from kos.arena.layout import Chars, Struct, layout, u32, u64
from kos.arena.table import REGISTRY
from kos.errors import HostError
from kos.params import PAGE_SIZE, Params
from kos.platform.host.shm import SharedBlock, free_bytes

MAGIC = b"kos-arena"
VERSION = 1
HEADER_SIZE = 4 * PAGE_SIZE


@layout(size=64)
class Header(Struct):
    """First bytes of the arena; written once at boot, read by whoever attaches."""

    magic: Annotated[Chars, ctypes.c_char * 16]
    version: u32
    map_len: u32  #: bytes of JSON after this header
    boot_ns: u64  #: host monotonic clock at boot: 0 of the events' `ts`
    host_pid: u64  #: the supervisor
    reserved: Annotated[Chars, ctypes.c_char * 24]


class Arena:
    """The block and its segments. create() boots a new one, attach() opens a live or dead one."""

    def __init__(self, block: SharedBlock, params: Params, places: dict[str, tuple[int, int]]) -> None:
        self.block = block
        self.params = params
        self.places = places  #: segment name -> (offset, length) in bytes
        self.header = Header.from_buffer(block.buf, 0)

    @classmethod
    def create(cls, name: str, params: Params) -> Arena:
        """A zeroed arena large enough for `params`, with every segment bound to it."""
        places = {}
        at = HEADER_SIZE
        for segment in REGISTRY.values():
            size = segment.nbytes(params)
            places[segment.name] = (at, size)
            at += (size + PAGE_SIZE - 1) // PAGE_SIZE * PAGE_SIZE
        text = json.dumps(
            {"cpus": params.cpus, "memory": params.memory, "options": params.options, "places": places}
        ).encode()
        if len(text) > HEADER_SIZE - 64:
            raise HostError(f"the machine's options take {len(text)} bytes; at most {HEADER_SIZE - 64} fit")
        needed = min(params.memory, 32 << 20) + (16 << 20)  # what a small run touches; the rest is sparse
        if free_bytes() < needed:
            raise HostError(
                f"/dev/shm has {free_bytes() >> 20} MiB free, the machine needs at least {needed >> 20} MiB: "
                "enlarge it (mount -o remount,size=1G /dev/shm) or give a smaller --memory"
            )
        block = SharedBlock(name, at, create=True)
        arena = cls(block, params, places)
        h = arena.header
        h.magic = MAGIC
        h.version = VERSION
        h.map_len = len(text)
        block.buf[64 : 64 + len(text)] = text
        arena.bind()
        return arena

    @classmethod
    def attach(cls, name: str) -> Arena:
        """The arena of a machine that was booted by somebody else; segments are bound to it."""
        block = SharedBlock(name, 0, create=False)
        if block.size < HEADER_SIZE:
            raise HostError(f"{name!r} is not a kos machine")
        h = Header.from_buffer(block.buf, 0)
        if h.magic != MAGIC or h.version != VERSION:
            raise HostError(f"{name!r} is not a kos machine of this version ({VERSION})")
        info = json.loads(bytes(block.buf[64 : 64 + h.map_len]))
        params = Params(info["cpus"], info["memory"], info["options"])
        arena = cls(block, params, {k: tuple(v) for k, v in info["places"].items()})
        arena.bind()
        return arena

    def bind(self) -> None:
        """Point every segment declared in this process at the arena's memory (an observer declares a few only)."""
        for name, (at, size) in self.places.items():
            if name in REGISTRY:
                REGISTRY[name].bind(self.block.buf[at : at + size], self.params)
