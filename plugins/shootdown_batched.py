"""Shootdown in batches: what one system call unmaps is flushed once, on the way back to the guest.

Amit et al., Don't shoot down TLB shootdowns!, EuroSys 2020, section 3.4 (batching within a system call); Linux's
mmu_gather does the same within one munmap. Nobody can tell the difference: the guest goes on only after the flush,
and until then the frames stay parked. Deferring further, over several calls, is LATR (Kumar et al., ASPLOS 2018),
and is visible to other threads unless addresses are quarantined, too.
"""

from __future__ import annotations

from kos.api import (
    FLUSH,
    FlushRequest,
    Mm,
    ShootdownProtocol,
    StaleBatch,
    cpu_block,
    hookimpl,
    post,
    send_ipi,
    this,
    wait_for_acks,
)

FULL = (0, 1 << 47)  #: the whole address space


class BatchedShootdown:
    """ShootdownProtocol. What is parked is this CPU's own: an ordinary attribute."""

    name = "batched"

    def __init__(self) -> None:
        self._parked: list[tuple[FlushRequest, int, StaleBatch]] = []  #: request, its mm's ctx_id, what it owns

    def flush(self, request: FlushRequest, stale: StaleBatch | None) -> bool:
        if request.may_defer and stale is not None:
            self._parked.append((request, request.mm.ctx_id, stale))
            this.pending[0] = 1  # poll() comes at the latest on the way out of this system call
            return False
        self._shoot(request)
        return True

    def poll(self) -> None:
        """After this CPU has served its interrupts. Frames are freed only where no lock is held."""
        if not self._parked:
            return
        if this.nr_held:
            this.pending[0] = 1
            return
        parked, self._parked = self._parked, []
        for request in self._merged(parked):
            self._shoot(request)
        for _, _, stale in parked:
            stale.release()

    def _merged(self, parked: list[tuple[FlushRequest, int, StaleBatch]]) -> list[FlushRequest]:
        """One request for each address space that still lives; the others' translations went with them."""
        spaces: dict[int, list[FlushRequest]] = {}
        for request, ctx_id, _ in parked:
            if request.mm.ctx_id == ctx_id:
                spaces.setdefault(ctx_id, []).append(request)
        merged = []
        for requests in spaces.values():
            last = requests[-1]
            start, end = (last.start, last.end) if len(requests) == 1 else FULL
            pages = sum(request.pages for request in requests)
            # Who uses it now, later than the entries were changed: who has come since has seen their absence.
            # The generation is our own last change's: a later one is another CPU's, and who flushed only our
            # range and believed to have caught up with that would never forget the other CPU's pages.
            targets = self._users(last.mm)
            if targets:
                merged.append(FlushRequest(last.mm, start, end, pages, last.reason, last.gen, targets))
        return merged

    def _users(self, mm: Mm) -> list[int]:
        mask = bytes(mm.cpumask)
        return [cpu for cpu in range(this.nr_cpus) if mask[cpu] and cpu != this.id and not cpu_block(cpu).lazy]

    def _shoot(self, request: FlushRequest) -> None:
        seq = post(request)
        for cpu in request.targets:
            send_ipi(cpu, FLUSH, seq)
        wait_for_acks(request)


@hookimpl
def kos_shootdown_protocol() -> ShootdownProtocol:
    return BatchedShootdown()
