"""poll and select: one queue for the whole machine, woken by every change of readiness that anybody waits for.

Linux queues a poller on each file it asks about. Here a poller queues once and looks at its files again at every
wake-up: there are few pollers and the look is short, and a task stays on one queue at most.

A poller first queues itself, then looks; whoever changes a file first changes it, then looks for pollers. Each
look stands behind a fence, so at least one of the two sees the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from kos.arena.layout import Struct, layout, u32
from kos.arena.table import Alone
from kos.hw.cpu import this
from kos.platform.host.atomic import fence
from kos.sched.structs import WaitQueue
from kos.sched.waitqueue import finish_wait, prepare_to_wait, wake_all
from kos.sync.spinlock import SpinLock
from kos.traps import Wait

T = TypeVar("T")


@layout(size=16)
class PollQueue(Struct):
    """The pollers; poll_lock held."""

    wait: Annotated[WaitQueue, WaitQueue]
    nr_waits: u32  #: grows with every poller that queues, for the curious
    pad: u32


poll_queue: Alone[PollQueue] = Alone(PollQueue, "poll_queue")
poll_lock = SpinLock("poll", "poll")


def notify() -> None:
    """A file's readiness has changed: wake whoever polls. Cheap when nobody does; locks up to `pipe` held."""
    fence()
    queue = poll_queue.s
    if queue.wait.head:
        with poll_lock:
            wake_all(queue.wait)


def wait_until(look: Callable[[], T | None], deadline_ns: int) -> T | Wait:
    """What look() finds; Wait where it finds nothing. No lock held; look() takes the files' locks."""
    found = look()
    if found is not None:
        return found
    queue = poll_queue.s
    with poll_lock:
        prepare_to_wait(queue.wait, poll_lock)
        queue.nr_waits = queue.nr_waits + 1 & 0xFFFFFFFF
    fence()
    found = look()
    if found is None:
        return Wait(deadline_ns)
    finish_wait(this.task)
    return found
