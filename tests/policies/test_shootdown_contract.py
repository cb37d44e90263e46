"""What every shootdown protocol must do: when a change of the tables is complete, no CPU can use what was before."""

from __future__ import annotations

from collections.abc import Callable

from mm_box import Segv, answering_cpu, run_on_cpus, safepoint, shoot_at_everybody
from policy_box import PolicyBox

from kos.arena.table import Column
from kos.hw import ipi
from kos.hw.cpu import this
from kos.hw.relax import relax
from kos.mm import switch
from kos.mm.mmap import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, do_mmap, do_munmap
from kos.mm.mprotect import do_mprotect
from kos.runtime import memory

P = 4096
ANON = MAP_PRIVATE | MAP_ANONYMOUS
words = Column("shootdown_contract_words", "Q", 8)
Boot = Callable[..., PolicyBox]


def leave_kernel() -> None:
    """The way out of a system call: what is pending is served before the guest goes on."""
    while this.pending[0]:
        ipi.poll_ipis()


def wait_for(condition: Callable[[], bool]) -> None:
    this.pending[0] = 1  # so that the test's own time limit is looked at
    while not condition():
        relax()
        this.pending[0] = 1


def test_a_page_that_is_gone_is_gone_on_every_cpu(boot: Boot, shootdown_plugin: str) -> None:
    """After munmap has returned to the guest, an access on another CPU faults; so does a write after mprotect."""
    box = boot(shootdown_plugin, cpus=3, settings={"poison": "1"})
    mm = box.new_mm()
    a = do_mmap(mm, 0, P, 3, ANON)
    rounds = 20

    def body(cpu: int) -> None:
        switch.load_mm(mm)
        for n in range(1, rounds):
            if cpu == 0:
                do_mmap(mm, a, P, 3, ANON | MAP_FIXED)
                leave_kernel()
                memory.store64(a, n)
                words.v[0] = n
                wait_for(lambda n=n: words.v[1] == n and words.v[2] == n)  # type: ignore[misc]
                do_munmap(mm, a, P) if n % 2 else do_mprotect(mm, a, P, 1)
                leave_kernel()
                words.v[3] = n
                wait_for(lambda n=n: words.v[4] == n and words.v[5] == n)  # type: ignore[misc]
                continue
            wait_for(lambda n=n: words.v[0] == n)  # type: ignore[misc]
            memory.store64(a + 8 * cpu, n)  # now this CPU's TLB holds the page as writable
            words.v[cpu] = n
            while words.v[3] != n:
                safepoint()
            try:
                memory.store64(a + 8 * cpu, n)
            except Segv:
                words.v[3 + cpu] = n
            else:
                raise AssertionError(f"cpu {cpu} stored through a stale translation in round {n}")

    run_on_cpus(3, body)
    box.drop(mm)


def test_a_late_flush_does_not_speak_for_another_cpus_change(boot: Boot, shootdown_plugin: str) -> None:
    """A range is flushed under the generation of the change that emptied it, however late the message goes out.

    A CPU that is one generation behind forgets the range alone, and takes itself to have caught up with what the
    message names. Were that a newer generation, of another CPU's change, this other change would never be flushed.
    """
    box = boot(shootdown_plugin, cpus=2)
    mm = box.new_mm()
    a = do_mmap(mm, 0, 4 * P, 3, ANON)
    memory.store64(a, 1)
    with answering_cpu(mm) as asked:
        do_munmap(mm, a, P)
        ours = mm.tlb_gen
        mm.tlb_gen = ours + 1  # another CPU's change, whose message is still on its way
        ipi.poll_ipis()
        ipi.poll_ipis()
    assert asked == [(a, a + P, ours)]
    box.drop(mm)


def test_everybody_shoots_at_everybody(boot: Boot, shootdown_plugin: str) -> None:
    """All CPUs map, protect, unmap, fork and store in one address space: nothing hangs, nobody sees others' bytes."""
    cpus = 4
    box = boot(shootdown_plugin, cpus=cpus, settings={"poison": "1"})
    mm = box.new_mm()
    a = do_mmap(mm, 0, 16 * P, 3, ANON)

    run_on_cpus(cpus, lambda cpu: shoot_at_everybody(mm, a, cpu, cpus, 200))
    box.drop(mm)
