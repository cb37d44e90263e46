"""Guards of what belongs to a CPU: TLB model, scheduler."""

from __future__ import annotations

from typing import Any

from kos.plugin.guard import Guard


class TlbGuard(Guard):
    """What was flushed is gone, what is there was inserted, and writable only if inserted so."""

    def __init__(self, policy: Any, plugin: str, hook: str) -> None:
        super().__init__(policy, plugin, hook)
        self._pairs: dict[int, tuple[dict[int, int], dict[int, int]]] = {}

    def open(self, asid: int) -> tuple[dict[int, int], dict[int, int]]:
        pair = self.call("open", asid)
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(type(d) is dict for d in pair):
            self.blame("open", f"returned {pair!r}, expected two dicts (read, write)")
        known = self._pairs.setdefault(asid, pair)
        if pair[0] is not known[0] or pair[1] is not known[1]:
            self.blame("open", f"returned other dicts for asid {asid} than before: the CPU looks into the old ones")
        return known

    def insert(self, asid: int, vpn: int, delta: int, writable: bool) -> None:
        read, write = self.open(asid)
        most = len(read) + (vpn not in read)
        self.nothing("insert", self.call("insert", asid, vpn, delta, writable))
        if vpn not in read or (writable and vpn not in write):
            self.blame("insert", f"page {vpn:#x}: not remembered, and the access that wants it is made now")
        if len(read) > most or len(write) > len(read):
            self.blame("insert", f"remembers {len(read)} pages of asid {asid}, of which {most} were inserted")
        if read.get(vpn, delta) != delta or write.get(vpn, delta) != delta:
            self.blame("insert", f"page {vpn:#x}: remembers another frame than the one inserted: a stale entry is live")
        if vpn in write and not writable:
            self.blame("insert", f"page {vpn:#x}: may be written, but was inserted as read-only")

    def flush_page(self, asid: int, vpn: int) -> None:
        read, write = self.open(asid)
        self.nothing("flush_page", self.call("flush_page", asid, vpn))
        if vpn in read or vpn in write:
            self.blame("flush_page", f"page {vpn:#x} of asid {asid} is still there after its flush")

    def flush_asid(self, asid: int) -> None:
        read, write = self.open(asid)
        self.nothing("flush_asid", self.call("flush_asid", asid))
        if read or write:
            self.blame("flush_asid", f"{len(read | write)} pages of asid {asid} are still there after its flush")


class SchedulerGuard(Guard):
    """A task is on a queue after enqueue(), off it after pick_next() and dequeue(), and none is left waiting."""

    def enqueue(self, rq: Any, task: Any, woken: bool) -> None:
        before = rq.nr_queued
        self.nothing("enqueue", self.call("enqueue", rq, task, woken))
        if not task.on_rq or rq.nr_queued != before + 1:
            self.blame("enqueue", f"pid {task.pid} is not on the queue: {before} tasks before, {rq.nr_queued} now")

    def pick_next(self, rq: Any) -> Any:
        from kos.sched.structs import Task

        before = rq.nr_queued
        task = self.call("pick_next", rq)
        if task is None:
            if before:
                self.blame("pick_next", f"returned None, {before} tasks are queued")
            return None
        self.expect("pick_next", task, Task)
        if task.on_rq or rq.nr_queued != before - 1:
            self.blame("pick_next", f"pid {task.pid} is still on the queue: {before} tasks before, {rq.nr_queued} now")
        return task

    def dequeue(self, rq: Any, task: Any) -> None:
        self.nothing("dequeue", self.call("dequeue", rq, task))
        if task.on_rq:
            self.blame("dequeue", f"pid {task.pid} is still on the queue")

    def ran(self, rq: Any, task: Any, ran_ns: int) -> None:
        self.nothing("ran", self.call("ran", rq, task, ran_ns))

    def tick(self, rq: Any, task: Any) -> bool:
        over = self.call("tick", rq, task)
        self.expect("tick", over, bool)
        return bool(over)

    def preempts(self, rq: Any, current: Any, woken: Any) -> bool:
        answer = self.call("preempts", rq, current, woken)
        self.expect("preempts", answer, bool)
        return bool(answer)
