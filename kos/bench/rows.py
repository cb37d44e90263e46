"""The rows of the table: what is measured, against what, and the most that the ratio may be.

A row is one program that both sides run, unless it says otherwise; kos/bench/programs/NAME.py prints what it
measured, in ns, as its only line. The targets are for two cores.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """program, words: what runs in kos; host_program, host_words: on the host, where that differs.

    from_histogram: the value is the p50 of the machine's shootdown histogram, not what the program prints.
    whole: the whole process is timed, boot included.
    """

    name: str
    title: str
    against: str
    target: float
    program: str
    words: tuple[str, ...] = ()
    host_program: str = ""
    host_words: tuple[str, ...] = ()
    cpus: int = 2
    memory: str = "256M"
    from_histogram: bool = False
    whole: bool = False

    @property
    def group(self) -> str:
        """What selects it on the command line: `fork` selects both fork rows."""
        return self.name.partition(" ")[0]


ROWS = (
    Row("store", "m[i] = v in a resident anonymous mmap", "the same loop on its own mmap", 3, "store"),
    Row("bulk", "1 MiB slice copies", "the same", 2, "bulk"),
    Row("syscall", "os.getppid() loop", "the same", 6, "syscall"),
    Row("fork 64M", "fork() in the parent, 64 MiB in 4 KiB pages", "os.fork()", 1.0, "fork", ("64",)),
    Row("fork 512M", "fork() in the parent, 512 MiB in 4 KiB pages", "os.fork()", 0.5, "fork", ("512",), memory="2G"),
    Row("spawn", "fork, child exits, wait", "the same", 1.5, "spawn"),
    Row("touch", "first write to each page of a fresh mapping", "the same", 6, "touch"),
    Row("cow", "first write to each of 4096 shared pages", "the same", 5, "cow"),
    Row("switch", "a byte to and fro over pipes on one CPU", "the same, pinned to one core", 3, "switch"),
    Row(
        "shootdown",
        "one page, one other CPU that runs, p50",
        "a polled word between two processes, p50",
        6,
        "shootdown",
        ("2",),
        "word",
        ("2",),
        from_histogram=True,
    ),
    Row(
        "overcommit",
        "one page, 7 other CPUs on the host's cores, p50",
        "the word among 8 processes, sched_yield, p50",
        5,
        "shootdown",
        ("8",),
        "word",
        ("8", "yield"),
        cpus=8,
        from_histogram=True,
    ),
    Row("boot", "`kos run hello`, whole process", "`python hello.py`", 15, "hello", whole=True),
)
