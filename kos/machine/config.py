"""What a machine is asked to be: validated once, before anything is created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kos.errors import UsageError
from kos.params import MAX_CPUS, MAX_MEMORY, MIN_MEMORY, PAGE_SIZE, Params


@dataclass(frozen=True)
class MachineConfig:
    """Settings of one machine.

    memory: bytes. plugins: words as after -p, or objects with hooks. tlb: (entries, ways). settings: `--set
    name=value` pairs. timeout: seconds of host time after which the run is ended; None = never. fail_alloc: every
    n-th frame allocation fails; 0 = none.
    watchdog: seconds without a sign of life after which a CPU, or a plugin's last word, counts as hung. log_base: what
    the names of the log's parts, one a CPU, begin with; boot says it. scratch: a folder that is removed when
    the machine ends, however it ends; a log in it is read while the machine runs. owner: a process of the host with
    which the machine ends, however it ends.
    """

    cpus: int = 2
    memory: int = 4 << 30
    name: str | None = None
    log: str | None = None
    log_events: Sequence[str] | None = None
    stress_context: bool = False
    plugins: Sequence[object] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    tlb: tuple[int, int] = (1024, 4)
    debug_locks: bool = False
    unbuffered: bool = False
    timeout: float | None = None
    fail_alloc: int = 0
    watchdog: float = 20.0
    log_base: str | None = None
    scratch: str | None = None
    owner: int | None = None

    def __post_init__(self) -> None:
        """The command line has made numbers of its words; a program may give anything."""
        for name in ("cpus", "memory", "fail_alloc"):
            _expect(name, getattr(self, name), int, "a whole number")
        for name in ("timeout", "watchdog"):
            seconds = getattr(self, name)
            if seconds is None and name == "timeout":
                continue
            if type(seconds) not in (int, float) or not 0 < seconds < 1e9:
                raise UsageError(f"--{name} {seconds!r}: not a time in seconds above 0")
        if self.name is not None:
            _expect("name", self.name, str, "a text")
        if self.fail_alloc < 0:
            raise UsageError(f"--fail-alloc {self.fail_alloc}: 0 for none, or every how many allocations one fails")
        if not (isinstance(self.tlb, tuple | list) and [type(n) for n in self.tlb] == [int, int]):
            raise UsageError(f"--tlb {self.tlb!r}: expected (entries, ways), two whole numbers")
        if not 1 <= self.cpus <= MAX_CPUS:
            raise UsageError(f"--cpus {self.cpus}: a machine has 1 to {MAX_CPUS} CPUs")
        if not MIN_MEMORY <= self.memory <= MAX_MEMORY:
            raise UsageError(
                f"--memory {self.memory}: a machine has {MIN_MEMORY >> 20} MiB to {MAX_MEMORY >> 30} GiB of memory"
            )
        entries, ways = self.tlb
        if ways < 1 or entries < ways or entries % ways:
            raise UsageError(f"--tlb {entries}x{ways}: entries must be a multiple of ways, both at least 1")
        if self.name is not None and (not self.name or "/" in self.name or len(self.name) > 200):
            raise UsageError(f"--name {self.name!r}: use a plain file name of at most 200 characters")

    def params(self) -> Params:
        """What is written into the arena's header."""
        options: dict[str, object] = {
            "tlb": list(self.tlb),
            "stress_context": self.stress_context,
            "debug_locks": self.debug_locks,
            "fail_alloc": self.fail_alloc,
            "settings": dict(self.settings),
            "plugins": [p if isinstance(p, str) else getattr(p, "__name__", type(p).__name__) for p in self.plugins],
        }
        return Params(self.cpus, self.memory // PAGE_SIZE * PAGE_SIZE, options)


def _expect(name: str, value: object, kind: type, what: str) -> None:
    if type(value) is not kind:
        raise UsageError(f"--{name.replace('_', '-')} {value!r}: found a {type(value).__name__}, expected {what}")
