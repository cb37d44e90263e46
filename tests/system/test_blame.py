"""A plugin that goes wrong is named with its hook, wherever it was asked; the guest sees nothing of it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import pytest

HEAD = """
from kos.api import Fault, GuestFault, StaleBatch, hookimpl
from kos_plugins.alloc_freelist import FreeListAllocator
from kos_plugins.fork_cow import CowFork
from kos_plugins.sched_rr import RoundRobin
from kos_plugins.tlb_setassoc import SetAssociative
"""

#: It catches whatever Python can catch, takes ticks in its own code, forks, and misses in the TLB.
GUEST = """
import mmap, os
try:
    m = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    m[:] = bytes(1 << 20)
    if os.fork() == 0:
        m[:4] = b"mine"
        os._exit(0)
    os.wait()
    n = 0
    while n < 400_000:
        n += 1
except BaseException as e:
    print("caught", type(e))
finally:
    print("finally")
"""

#: What is wrong: hook, method's class, its body, what the report says.
WRONG = {
    "a tick at a safepoint of the guest": (
        "kos_scheduler", "RoundRobin", "def tick(self, rq, task): return None", "tick(): returned None, expected",
    ),
    "the account of a tick": (
        "kos_scheduler", "RoundRobin", "def ran(self, rq, task, ns): raise KeyError('k')", "ran(): raised KeyError",
    ),
    "a miss that is not remembered": (
        "kos_tlb_model", "SetAssociative", "def insert(self, asid, vpn, delta, writable): pass", "not remembered",
    ),
    "a page too many": (
        "kos_tlb_model",
        "SetAssociative",
        "def insert(self, asid, vpn, delta, writable):\n"
        "    super().insert(asid, vpn, delta, writable)\n"
        "    self.open(asid)[0][vpn + 1] = delta",
        "remembers 2 pages of asid",
    ),
    "a model that does not come up": (
        "kos_tlb_model", "SetAssociative", "def flush_asid(self, asid): 1 / 0", "raised ZeroDivisionError",
    ),
    "no exception of the common kind": (
        "kos_fork_policy",
        "CowFork",
        "def copy_range(self, old, new, vma): raise SystemExit(3)",
        "copy_range(): raised SystemExit: 3",
    ),
    "an exception without a text": (
        "kos_fork_policy",
        "CowFork",
        "def copy_range(self, old, new, vma):\n"
        "    raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})",
        "copy_range(): raised E: (it cannot be shown as text)",
    ),
    "an error number that is none": (
        "kos_fork_policy",
        "CowFork",
        "def copy_range(self, old, new, vma): raise GuestFault(99999)",
        "raised GuestFault(99999), which it may not",
    ),
    "a process that ends": (
        "kos_fork_policy",
        "CowFork",
        "def copy_range(self, old, new, vma): __import__('os')._exit(0)",
        "died: exit status 0\n  it ran pid 2; it was in plugin 'bad', hook 'kos_fork_policy'",
    ),
    "a frame that nobody has": (
        "kos_fork_policy",
        "CowFork",
        "def must_flush(self):\n    from kos.api import alloc_page\n    alloc_page()\n    return super().must_flush()",
        "plugins that took part: plugin 'bad' ({path}) (kos_fork_policy)",
    ),
    "frames in the audit": (
        "kos_page_allocator",
        "FreeListAllocator",
        "def free_frames(self): return [10**9]",
        "free_frames(): gave frame 1000000000, the machine's are",
    ),
    "no frames in the audit": (
        "kos_page_allocator", "FreeListAllocator", "def free_frames(self): return 7", "free_frames(): returned 7",
    ),
    "a boot that fails": (
        "kos_page_allocator",
        "FreeListAllocator",
        "def boot(self, first, end): 1 / 0",
        "kos run: the machine did not boot: a plugin broke a rule: plugin 'bad', hook 'kos_page_allocator': boot(): "
        "raised ZeroDivisionError: division by zero\n",
    ),
    "a stale entry that is dropped": (
        "kos_fault_handlers",
        "",
        "name = 'bad'\ndef handle(self, fault):\n"
        "    if fault.entry & 1:\n        StaleBatch(fault.mm).add(fault.vaddr, fault.entry)",
        "handle(): 1 stale entries of",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_plugin_that_goes_wrong_is_named(kos: Any, what: str) -> None:
    """Status 70, one report, no traceback of kos, and nothing of it in the guest's own hands."""
    hook, base, body, says = WRONG[what]
    plugin = kos.folder / "bad.py"
    source = (
        f"class Bad({base}):\n" + textwrap.indent(body, "    ") + f"\n\n@hookimpl\ndef {hook}():\n    return Bad()\n"
    )
    plugin.write_text(HEAD + source)

    result = kos("run", "--summary", "none", "--cpus", 1, "-p", "./bad.py", kos.program(GUEST))

    assert result.status == 70, result.stdout + result.stderr
    assert says.format(path=plugin) in result.stderr
    assert hook in result.stderr and "'bad'" in result.stderr
    assert result.stdout == ("finally\n" if "audit" in what or "nobody" in what else "")


TRANSPORT = """
from kos.api import hookimpl
from kos_plugins.transport_simplequeue import QueueTransport


class Bad(QueueTransport):
    name, sent = "bad", 0

    def send(self, target, vector, a, b, c):
        self.sent += 1
{send}
        return super().send(target, vector, a, b, c)

    def receive(self):
        got = super().receive()
{receive}
        return got


@hookimpl
def kos_transport(params):
    return Bad(params.cpus)
"""

#: What a transport does with messages: in send(), in receive(), what the report says.
CARELESS = {
    "loses one that is waited for": (
        "if vector == 0 and self.sent > 20: return True", "", "receive(): lost 1 of the messages that send() took on"
    ),
    "repeats": ("", "got = got * 2", "messages were given before"),
    "changes": ("", "got = [(*m[:4], 9) for m in got]", ", 9) as message 1 of cpu"),
}  # fmt: skip


@pytest.mark.parametrize("what", CARELESS)
def test_a_transport_that_is_careless_is_named(kos: Any, what: str) -> None:
    """A message that it has taken comes, once and in its place; or the report says whose fault it is that none came."""
    send, receive, says = CARELESS[what]
    source = TRANSPORT.format(send=textwrap.indent(send, " " * 8), receive=textwrap.indent(receive, " " * 8))
    kos.program(source, "bad.py")

    result = kos("run", "--summary", "none", "--cpus", 4, "-p", "./bad.py", "shootdown_storm")

    assert result.status == 70, result.stdout + result.stderr
    assert "plugin 'bad', hook 'kos_transport': " in result.stderr
    assert says in result.stderr


SPOKEN = {
    "raises": ("raise SystemExit(7)", "hook 'kos_summary': raised SystemExit: 7"),
    "no text": ("return 5", "hook 'kos_summary': returned 5, expected a text or None"),
}


@pytest.mark.parametrize("body", ["while True: pass", "time.sleep(1000)"])
def test_a_last_word_that_does_not_end_is_ended(kos: Any, body: str) -> None:
    """It ran in a circle, or waited, until somebody pressed Ctrl-C."""
    plugin = kos.folder / "bad.py"
    plugin.write_text(f"import time\ndef kos_summary():\n    {body}\n")
    source = "import kos\nwith kos.Machine(plugins=['./bad.py'], watchdog=1.0) as m: print(m.run('1\\n').report)\n"

    done = subprocess.run([sys.executable, "-c", source], cwd=kos.folder, capture_output=True, text=True, timeout=60)

    rule = f"plugin 'bad', hook 'kos_summary': not over after 1 s; it is at {plugin}:3"
    assert done.stdout == f"a plugin broke a rule: {rule}\n", done.stderr


@pytest.mark.parametrize("what", SPOKEN)
def test_the_last_word_of_a_plugin_is_checked_too(kos: Any, what: str) -> None:
    """The program has run by then: it is no wrong usage."""
    body, says = SPOKEN[what]
    kos.program(f"def kos_summary(): {body}\n", "bad.py")

    result = kos("run", "--summary", "none", "-p", "./bad.py", kos.program("print(1)\n"))

    assert (result.status, result.stdout) == (70, "1\n")
    assert result.stderr == f"a plugin broke a rule: plugin 'bad', {says}\n"


def test_an_observer_is_blamed_with_what_it_was_told(kos: Any) -> None:
    kos.program("def kos_event(event, fields):\n    if event == 'proc.exit':\n        raise SystemExit(1)\n", "bad.py")

    result = kos("run", "--summary", "none", "-p", "./bad.py", kos.program("print(1)\n"))

    assert result.status == 70
    assert "plugin 'bad', hook 'kos_event': raised SystemExit: 1" in result.stderr
    told = result.stderr.partition("events it was told of on this cpu:\n")[2]
    assert " proc.exit " in told.splitlines()[-1]


UNLOADED = {
    "import sys\nsys.exit(5)\n": "cannot be loaded: {path}:2: SystemExit: 5",
    "raise ValueError('a\\nb')\ndef kos_summary(): pass\n": "cannot be loaded: {path}:1: ValueError: a b",
    "def kos_fork_policy(): raise SystemExit(3)\n": "hook kos_fork_policy: raised SystemExit: 3",
    "async def kos_fork_policy(): pass\n": "hook kos_fork_policy: found an async function, expected a plain one",
    "def kos_fork_policy(): yield\n": "hook kos_fork_policy: found a generator, expected a plain function",
    "kos_fork_policy = 5\n": "hook kos_fork_policy: found 5, expected a function",
    "def kos_events(): return 'mm.*'\ndef kos_event(): pass\n": "hook kos_events: found 'mm.*', expected a list of",
    "def kos_events(): return 7\ndef kos_event(): pass\n": "hook kos_events: found 7, expected a list of names",
}


@pytest.mark.parametrize("source", UNLOADED)
def test_mistakes_that_need_no_machine_are_one_line(kos: Any, source: str) -> None:
    path = kos.program(source, "bad.py")

    result = kos("run", "-p", "./bad.py", "hello")

    assert (result.status, result.stdout, result.stderr.count("\n")) == (2, "", 1), result
    assert UNLOADED[source].format(path=kos.folder / "bad.py") in result.stderr
    assert path


def test_a_transport_that_takes_nothing_is_found(kos: Any) -> None:
    """The sender would wait for room for ever, and the target serves its interrupts all the while."""
    kos.program(
        "from kos.api import RingTransport\n"
        "class Bad(RingTransport):\n"
        "    def send(self, target, vector, a, b, c): return False\n"
        "def kos_transport(): return Bad()\n",
        "bad.py",
    )
    guest = (
        "from kos import guest\n"
        "P, RW = guest.PAGE_SIZE, guest.PROT_READ | guest.PROT_WRITE\n"
        "a = guest.mmap(0, P, RW, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)\n"
        "def spin():\n"
        "    guest.store64(a, 1)\n"
        "    while True: guest.load64(a)\n"
        "guest.clone(spin)\n"
        "while not guest.load64(a): pass\n"
        "while True:\n"
        "    guest.mprotect(a, P, guest.PROT_READ)\n"
        "    guest.mprotect(a, P, RW)\n"
        "    guest.store64(a, 1)\n"
    )

    result = kos("run", "--summary", "none", "-p", "./bad.py", "--timeout", 30, kos.program(guest))

    assert result.status == 70
    assert "plugin 'bad', hook 'kos_transport': send(): takes no message for cpu" in result.stderr
