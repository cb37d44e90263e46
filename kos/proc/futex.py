"""futex: sleep while a word in user memory has a value; wake who sleeps there. Linux: kernel/futex/.

Waiters hang in buckets, found by what the word lies in: private memory is named by its address space, shared
memory by its page cache, so that two processes that map one file at different addresses meet. The waiter looks at the
word under the bucket's lock and the waker takes that lock after it has changed the word, so a wake-up is never
lost between the look and the sleep.

A page fault may happen while the word is read. The read is done without the bucket's lock first, so that the page
is there, and then again under it: should it have gone in between, the fault handler takes later locks only.
"""

from __future__ import annotations

import errno
from typing import Annotated

from kos.arena.layout import Struct, layout
from kos.arena.table import Table
from kos.errors import GuestFault
from kos.hw.cpu import this
from kos.mm.structs import VM_READ, VM_SHARED, VM_WRITE, Mm, mappings, mm_lock, mms
from kos.mm.uaccess import copy_from_user
from kos.mm.vma import vma_at
from kos.platform.host.clock import now_ns
from kos.sched.structs import Task, WaitQueue, tasks
from kos.sched.waitqueue import WOKEN, prepare_to_wait, wake_task
from kos.sync.spinlock import LockPool, SpinLock
from kos.traps import Wait

NR_BUCKETS = 64  #: a power of two; each has a host semaphore of its own, 40 us of the boot
_DEADLINE, _HANDLERS = 0, 1  #: words of Task.restart: absolute deadline; handlers delivered before, plus 1


@layout(size=8)
class Bucket(Struct):
    """Waiters of all words that hash to it; its lock (by index) held."""

    queue: Annotated[WaitQueue, WaitQueue]


buckets: Table[Bucket] = Table(Bucket, "futex_buckets", NR_BUCKETS)
bucket_locks = LockPool("futex", "futex", NR_BUCKETS)

_SHARED_SPACE = 1 << 63  #: tells names of page caches from names of address spaces


def futex_wait(vaddr: int, expected: int, timeout_ns: int) -> int | Wait:
    """Sleep while the 32-bit word at vaddr has the value expected; timeout -1 = none.

    0 when woken; EAGAIN for another value, ETIMEDOUT, EINTR after a signal handler, EINVAL, EFAULT.
    """
    task: Task = this.task
    restart = task.restart
    if restart[_HANDLERS]:  # executed again: why did the sleep end?
        if restart[WOKEN]:
            return _end(task, 0)
        if task.nr_handlers + 1 != restart[_HANDLERS]:
            raise GuestFault(_end(task, errno.EINTR))
        if restart[_DEADLINE] and now_ns() >= restart[_DEADLINE]:
            raise GuestFault(_end(task, errno.ETIMEDOUT))
    mm = mms[task.mm]
    space, offset = _key(mm, vaddr)
    if _load(mm, vaddr) != expected & 0xFFFF_FFFF:
        raise GuestFault(_end(task, errno.EAGAIN))
    if timeout_ns >= 0 and not restart[_DEADLINE]:
        restart[_DEADLINE] = now_ns() + timeout_ns
    queue, lock = _bucket(space, offset)
    with lock:
        if _load(mm, vaddr) != expected & 0xFFFF_FFFF:
            raise GuestFault(_end(task, errno.EAGAIN))
        task.futex_space, task.futex_offset = space, offset
        restart[_HANDLERS] = task.nr_handlers + 1
        prepare_to_wait(queue, lock)
    return Wait(int(restart[_DEADLINE]))


def futex_wake(vaddr: int, count: int) -> int:
    """Wake up to count waiters of the word at vaddr, in the order in which they came; how many were woken."""
    space, offset = _key(mms[this.task.mm], vaddr)
    queue, lock = _bucket(space, offset)
    woken = 0
    with lock:
        i = queue.head
        while i and woken < count:
            task = tasks[i]
            i = task.wq_next
            if task.futex_space == space and task.futex_offset == offset:
                woken += wake_task(queue, task)
    return woken


def _end(task: Task, result: int) -> int:
    """The call is over: its memory is cleared."""
    for k in range(4):
        task.restart[k] = 0
    return result


def _load(mm: Mm, vaddr: int) -> int:
    return int.from_bytes(copy_from_user(mm, vaddr, 4), "little")


def _key(mm: Mm, vaddr: int) -> tuple[int, int]:
    """What names the word for everybody who can reach it. Linux: get_futex_key()."""
    if vaddr % 4:
        raise GuestFault(errno.EINVAL)
    with mm_lock(mm):
        vma = vma_at(mm, vaddr)
        if vma is None or not vma.flags & (VM_READ | VM_WRITE if vma.mapping else VM_WRITE):
            raise GuestFault(errno.EFAULT)  # anonymous memory that nobody can change: there is nothing to wait for
        if vma.flags & VM_SHARED and vma.mapping:
            at = (vma.pgoff << 12) + vaddr - vma.start
            return _SHARED_SPACE | mappings[vma.mapping].seq, at
        return mm.ctx_id, vaddr


def _bucket(space: int, offset: int) -> tuple[WaitQueue, SpinLock]:
    index = (space * 0x9E37_79B1 + (offset >> 2) * 0x85EB_CA6B >> 8) & NR_BUCKETS - 1
    return buckets[index].queue, bucket_locks[index]
