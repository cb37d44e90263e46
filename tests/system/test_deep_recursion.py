"""A guest that has gone as deep as Python lets it makes system calls: they happen or are refused, nothing between."""

import pytest

PROGRAM = """
import os
from kos import guest

RW, ANON = guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS


def memory():
    at = guest.mmap(0, 8192, RW, ANON)
    guest.store64(at, 1)
    guest.munmap(at, 8192)


def sleep():
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(w, b"x")
        os._exit(0)
    os.close(w)  # a child that was refused its write has said nothing
    os.read(r, 1)
    os.close(r)
    os.waitpid(pid, 0)


calls = {
    "memory": memory,
    "touch": lambda: guest.store64(guest.mmap(0, 8192, RW, ANON), 1),
    "files": lambda: os.close(os.open("/tmp/deep", os.O_CREAT | os.O_RDWR)),
    "sleep": sleep,
    "signal": lambda: os.kill(os.getpid(), 0),
    "thread": lambda: guest.join(guest.clone(lambda: 0)),
}


def deep(call, n):
    if n > 930:
        call()
    deep(call, n + 1)


first = os.getpid()
for name, call in calls.items():
    try:
        deep(call, 0)
    except RecursionError:
        if os.getpid() != first:
            os._exit(0)  # a child that could go no deeper either
        print(name, "refused", flush=True)
"""


@pytest.mark.parametrize("way", [{"cpus": 2}, {"cpus": 2, "stress_context": True}], ids=["plain", "stress"])
def test_a_system_call_of_a_deep_guest_is_whole_or_refused(machine, way):
    """The kernel has room of its own below the guest's frames; the audit finds nothing half done."""
    result = machine.run(PROGRAM, **way)

    names = ("memory", "touch", "files", "sleep", "signal", "thread")
    assert (result.status, result.stdout) == (0, "".join(f"{name} refused\n" for name in names)), result.stderr


def test_a_storm_of_handlers_that_interrupt_each_other_ends_as_python_says(machine):
    """They nest until Python's limit is reached: a RecursionError for the guest, and nothing for the machine."""
    result = machine.run(
        """
        import os, signal
        from kos import guest

        over = []

        def handler(number, frame):
            if over:
                return
            at = guest.mmap(0, 8192, 3, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
            os.kill(os.getpid(), signal.SIGUSR1)
            guest.munmap(at, 8192)

        signal.signal(signal.SIGUSR1, handler)
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
        except RecursionError:
            over.append(True)
            print("too deep")
        """
    )

    assert (result.status, result.stdout) == (0, "too deep\n"), result.stderr
