"""`kos run -p`: plugins change what happens inside, never what a program sees; a bad one is stopped by name."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest

from kos.plugin.find import shipped_names

FAMILY = """
    import mmap, os, sys
    m = mmap.mmap(-1, 64 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    m[:] = bytes(range(256)) * 1024
    shared = mmap.mmap(-1, 8 * 4096)
    r, w = os.pipe()
    for k in range(3):
        if os.fork() == 0:
            for n in range(0, 64 * 4096, 4096):
                m[n] = k
            shared[k * 4096] = k + 1
            os.write(w, bytes([k]))
            m.madvise(mmap.MADV_DONTNEED)
            os._exit(sum(m[: 4096]) + k)
    said = sorted(os.read(r, 1) for _ in range(3))
    codes = sorted(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(3))
    m.close()
    print(said, codes, [shared[k * 4096] for k in range(4)])
"""
SAID = "[b'\\x00', b'\\x01', b'\\x02'] [0, 1, 2] [1, 2, 3, 0]\n"

THREADS = """
    from kos import guest
    P = guest.PAGE_SIZE
    RW = guest.PROT_READ | guest.PROT_WRITE
    a = guest.mmap(0, 8 * P, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)

    def count(n):
        while not guest.load64(a):
            guest.store64(a + 8 * n, guest.load64(a + 8 * n) + 1)

    tids = [guest.clone(count, n) for n in (1, 2)]
    while not (guest.load64(a + 8) and guest.load64(a + 16)):
        pass
    for _ in range(30):
        b = guest.mmap(0, P, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
        guest.store64(b, 1)
        guest.mprotect(b, P, guest.PROT_READ)
        guest.munmap(b, P)
    guest.store64(a, 1)
    print(len([guest.join(tid) for tid in tids]))
"""

HEAD = """
    from kos.api import *
    from kos.api import hookimpl, shared, u64
    from kos_plugins.alloc_freelist import FreeListAllocator
    from kos_plugins.fork_cow import CowFork
    from kos_plugins.sched_rr import RoundRobin
    from kos_plugins.shootdown_ipi import IpiShootdown
    from kos_plugins.tlb_setassoc import SetAssociative

    @shared()
    class Mine(SharedState):
        word: u64

    mine = Mine()

    @hookimpl
    def kos_shared_state():
        return mine
"""


@pytest.mark.parametrize("name", shipped_names())
def test_a_program_prints_the_same_under_every_policy(machine: Any, name: str) -> None:
    """Private and shared memory, forks, pipes and threads under each shipped plugin, guarded."""
    options = {"p": name, "set": "guard=all", "cpus": 3}

    assert run(machine, FAMILY, **options) == SAID
    assert run(machine, THREADS, **options) == "2\n"


def run(machine: Any, source: str, p: str, set: str, cpus: int) -> str:
    """stdout of a program; the options of one letter need a spelling of their own."""
    path = machine._kos.program(source)
    result = machine._kos("run", "--summary", "none", "-p", p, "--set", set, "--cpus", cpus, path)
    assert result.status == 0, result.stderr
    return result.stdout


BAD = {
    "a double free": (
        "kos_fault_handlers",
        "reference dropped that nobody held",
        """
        class Handler:
            name = "h"
            def handle(self, fault):
                pfn = alloc_page()
                put_page(pfn)
                put_page(pfn)
        @hookimpl
        def kos_fault_handlers():
            return Handler()
        """,
    ),
    "a frame handed out twice": (
        "kos_page_allocator",
        "alloc_bulk(): frame",
        """
        class Bad(FreeListAllocator):
            def alloc_bulk(self, count):
                got = super().alloc_bulk(count)
                return got[:-1] + got[:1]
        @hookimpl
        def kos_page_allocator():
            return Bad()
        """,
    ),
    "a frame freed while mapped": (
        "kos_fault_handlers",
        "freed with",
        """
        class Bad:
            name = "bad"
            def handle(self, fault):
                if fault.entry & PTE_P:
                    free_page(pte_pfn(fault.entry))
        @hookimpl
        def kos_fault_handlers():
            return Bad()
        """,
    ),
    "a frame freed before its flush": (
        "kos_shootdown_protocol",
        "stale.release() frees frames before cpu",
        """
        class Bad(IpiShootdown):
            def flush(self, request, stale):
                if stale is None or not request.may_defer:
                    return super().flush(request, stale)
                stale.release()
                return False
        @hookimpl
        def kos_shootdown_protocol():
            return Bad()
        """,
    ),
    "no flush at all": (
        "kos_shootdown_protocol",
        "flush(): returned True, but cpu",
        """
        class Bad(IpiShootdown):
            def flush(self, request, stale):
                return True
        @hookimpl
        def kos_shootdown_protocol():
            return Bad()
        """,
    ),
    "an entry set while a stale one is live": (
        "kos_fault_handlers",
        "is set while the stale one for frame",
        """
        class Bad:
            name = "bad"
            def handle(self, fault):
                if fault.entry & PTE_P and not fault.entry & PTE_SPECIAL:
                    pfn = alloc_page()
                    adopt_anon(pfn, fault.mm.family, fault.vaddr >> 12)
                    fault.set_entry(pfn << 12 | PTE_P | PTE_U | PTE_W)
                    return FaultResult.OK
        @hookimpl
        def kos_fault_handlers():
            return Bad()
        """,
    ),
    "a lock kept": (
        "kos_fork_policy",
        "copy_range(): kept a lock: plugin bad.Mine",
        """
        class Bad(CowFork):
            def copy_range(self, old, new, vma):
                super().copy_range(old, new, vma)
                mine.lock.acquire()
        @hookimpl
        def kos_fork_policy():
            return Bad()
        """,
    ),
    "an exception": (
        "kos_fork_policy",
        "copy_range(): raised ZeroDivisionError: division by zero",
        """
        class Bad(CowFork):
            def copy_range(self, old, new, vma):
                return 1 / 0
        @hookimpl
        def kos_fork_policy():
            return Bad()
        """,
    ),
    "nonsense": (
        "kos_fork_policy",
        "must_flush(): returned None, expected a bool",
        """
        class Bad(CowFork):
            def must_flush(self):
                pass
        @hookimpl
        def kos_fork_policy():
            return Bad()
        """,
    ),
    "memory of the parent in the child": (
        "kos_fork_policy",
        "is writable by the child and mapped elsewhere too",
        """
        class Bad(CowFork):
            def copy_range(self, old, new, vma):
                super().copy_range(old, new, vma)
                for vaddr, at, n in leaf_slices(new.pgd, vma.start, vma.end):
                    for k in range(at, at + n):
                        if frames.mem64[k] & PTE_P:
                            frames.mem64[k] |= PTE_W
        @hookimpl
        def kos_fork_policy():
            return Bad()
        """,
    ),
    "a scheduler that loses a task": (
        "kos_scheduler",
        "is not on the queue",
        """
        class Bad(RoundRobin):
            def enqueue(self, rq, task, woken):
                pass
        @hookimpl
        def kos_scheduler():
            return Bad()
        """,
    ),
    "a TLB that does not forget": (
        "kos_tlb_model",
        "are still there after its flush",
        """
        class Bad(SetAssociative):
            def flush_page(self, asid, vpn):
                pass
            def flush_asid(self, asid):
                pass
        @hookimpl
        def kos_tlb_model():
            return Bad()
        """,
    ),
    "a transport that makes things up": (
        "kos_transport",
        "a message with vector 77",
        """
        class Bad(RingTransport):
            def receive(self):
                return [*super().receive(), (0, 77, 0, 0, 0)]
        @hookimpl
        def kos_transport():
            return Bad()
        """,
    ),
    "an observer that raises": (
        "kos_event",
        "raised KeyError: 'nothing'",
        """
        @hookimpl
        def kos_event(event, fields):
            fields["nothing"]
        """,
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_plugin_that_breaks_a_rule_stops_the_machine(kos: Any, what: str) -> None:
    """Exit status 70; the report names plugin, hook and rule."""
    hook, rule, source = BAD[what]
    plugin = kos.folder / "bad.py"
    plugin.write_text(textwrap.dedent(HEAD) + textwrap.dedent(source))

    threads = hook == "kos_shootdown_protocol"
    result = kos("run", "--summary", "none", "-p", "./bad.py", "--cpus", 3, kos.program(THREADS if threads else FAMILY))

    assert result.status == 70, result.stdout + result.stderr
    assert f"a plugin broke a rule: plugin 'bad', hook '{hook}': " in result.stderr
    assert rule in result.stderr
    if hook != "kos_event":
        assert "events before it on this cpu:" in result.stderr


def test_the_plugin_of_the_hook_page_runs_as_it_stands(kos: Any) -> None:
    """The example in kos/hooks/spec.py, pasted into a file."""
    from kos.hooks import spec

    text = (spec.__doc__ or "").partition("This is a whole one:\n")[2].partition("    $ kos run")[0]
    kos.program(text, "nosy.py")

    result = kos("run", "hello", "-p", "./nosy.py", "--summary", "none")
    plain = kos("run", "cow_fork", "-p", "./nosy.py", "--summary", "none")

    assert (result.status, plain.status) == (0, 0)
    assert "fault at 0x" in plain.stdout


def test_options_commands_notes_and_the_list(kos: Any) -> None:
    """What a plugin adds to the command line."""
    kos.program(
        """
        from kos.api import hookimpl, shared, SharedState, u64

        @shared()
        class Forks(SharedState):
            count: u64

        state = Forks()

        def show(words):
            print("shown", *words)
            return 5

        @hookimpl
        def kos_options(table):
            table.add("word", "forks", "what they are called", flag="--fork-word")

        @hookimpl
        def kos_shared_state(options):
            state.word = options["word"]
            return state

        @hookimpl
        def kos_events():
            return ["proc.fork"]

        @hookimpl
        def kos_event(event, fields):
            with state.lock:
                state.count += 1

        @hookimpl
        def kos_summary():
            return f"{state.count} {state.word}"

        @hookimpl
        def kos_commands(commands):
            commands.add("show", show, "shows")
        """,
        "forks.py",
    )

    ran = kos("run", "-p", "./forks.py", "--fork-word", "children", "--summary", "none", "cow_fork")
    helped = kos("run", "-p", "./forks.py", "--help")
    shown = kos("-p", "./forks.py", "show", "a", "b")
    listed = kos("plugins", "-p", "./forks.py", "-p", "fork_eager", "--set", "forks.word=x", "--json")

    assert (ran.status, ran.stderr) == (0, "1 children\n")
    assert "--fork-word VALUE" in helped.stdout
    assert (shown.status, shown.stdout) == (5, "shown a b\n")
    rows = {row["name"]: row for row in json.loads(listed.stdout)["plugins"]}
    assert (rows["forks"]["state"], rows["forks"]["options"][0]["value"]) == ("active", "x")
    assert (rows["fork_eager"]["replaces"], rows["fork_cow"]["state"]) == (["fork_cow"], "replaced")


def test_a_bad_plugin_is_wrong_usage(kos: Any) -> None:
    """Found before a machine is made: one line, exit status 2."""
    kos.program("def kos_fork_policy(param): pass\n", "bad.py")

    result = kos("run", "-p", "./bad.py", "hello")

    assert result.status == 2
    assert result.stderr.count("\n") == 1
    assert "hook kos_fork_policy: found argument 'param', expected some of (params, options)" in result.stderr


def test_a_long_copy_is_no_circle(machine: Any) -> None:
    """A fork that copies half a gigabyte at once takes a second and more, serves its interrupts, and is not ended."""
    source = (
        "import mmap, os\n"
        "m = mmap.mmap(-1, 768 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "for i in range(0, 768 << 20, 1 << 20):\n"
        "    m[i:i + (1 << 20)] = bytes([i >> 20 & 255]) * (1 << 20)\n"
        "if os.fork() == 0:\n"
        "    print([m[i << 20] == i & 255 for i in range(768)].count(True), flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    assert run(machine, source, "fork_eager", "guard=all", 2) == "768\n"
