"""Save and restore a task's Python state in the task's own user stack pages.

The bytes go through the MMU like any other store of the task: a fork copies them by copying page tables,
and a fork policy that is wrong breaks real programs. The head carries a checksum and who saved it, so that a
context that comes back different is noticed, and the report can say between which CPUs it was lost.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.mm.uaccess import copy_from_user, copy_to_user
from kos.platform.host.clock import now_ns
from kos.runtime import snapshot
from kos.runtime.frames import Frame
from kos.trace.events import CONTEXT_RESTORE, CONTEXT_SAVE

if TYPE_CHECKING:
    from kos.mm.structs import Mm
    from kos.sched.structs import Task

MAGIC = b"kosctx01"
HEAD = 32  #: magic 8, length 8, crc32 4, cpu 4, pid 4, zero 4
_ALIGN = 16


class BadContext(Exception):
    """What the stack pages hold is not what was saved there."""


def pack(body: bytes, pid: int) -> bytes:
    """body with its head in front."""
    return b"".join(
        (
            MAGIC,
            len(body).to_bytes(8, "little"),
            zlib.crc32(body).to_bytes(4, "little"),
            this.id.to_bytes(4, "little"),
            pid.to_bytes(4, "little"),
            bytes(4),
            body,
        )
    )


def write(task: Task, mm: Mm, body: bytes, reason: str) -> None:
    """Store a context below the task's stack top. Raises GuestFault(ENOMEM) when it does not fit.

    Does not mark the task as saved: the caller does, when everything else has worked too.
    """
    start = now_ns() if CONTEXT_SAVE.on else 0
    blob = pack(body, task.pid)
    at = (task.stack_top - len(blob)) // _ALIGN * _ALIGN
    if at < task.stack_low:
        raise GuestFault(12)
    copy_to_user(mm, at, blob)
    task.ctx_addr = at
    this.block.nr_context_saves += 1
    if CONTEXT_SAVE.on:
        CONTEXT_SAVE(size_bytes=len(blob), latency_ns=now_ns() - start, reason=reason)


def mark_saved(task: Task, body: bytes) -> None:
    """From now on any CPU may restore the task."""
    task.ctx_cpu = this.id
    task.ctx_len = len(body) + HEAD


def read(task: Task, mm: Mm) -> tuple[list[Frame], Any, Any]:
    """(frames, world, extra) of a saved task. BadContext when the bytes are not what was saved."""
    start = now_ns() if CONTEXT_RESTORE.on else 0
    try:
        blob = copy_from_user(mm, task.ctx_addr, task.ctx_len)
    except GuestFault as e:
        raise BadContext(_blame(task, f"its stack pages cannot be read (errno {e.errno})")) from None
    body = blob[HEAD:]
    if blob[:8] != MAGIC or int.from_bytes(blob[8:16], "little") != len(body):
        raise BadContext(_blame(task, "its head is overwritten"))
    if zlib.crc32(body) != int.from_bytes(blob[16:20], "little"):
        raise BadContext(_blame(task, "its checksum does not verify"))
    result = snapshot.loads(body)
    this.block.nr_context_restores += 1
    if CONTEXT_RESTORE.on:
        CONTEXT_RESTORE(size_bytes=len(blob), latency_ns=now_ns() - start, saved_by_cpu=task.ctx_cpu)
    return result


def _blame(task: Task, what: str) -> str:
    return (
        f"pid {task.pid}: the context saved by cpu {task.ctx_cpu} at {task.ctx_addr:#x} "
        f"and restored by cpu {this.id} is damaged: {what}; a fork policy or a lost TLB flush does that"
    )
