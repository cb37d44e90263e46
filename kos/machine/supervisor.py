"""The supervisor: the parent process that boots the machine, watches its CPUs and always cleans up.

It runs no guest. It ticks the CPUs that run one, relays the console, starts programs on request, and ends
the run when a CPU dies, hangs or panics. Waiting is one poll() on the CPUs' sentinels and its own doorbell.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import Any

from kos.arena.arena import Arena
from kos.errors import HostError, MachineFailed
from kos.fs import console
from kos.hw import ipi
from kos.hw.cpu import CPU_RUNNING, CPU_STOPPED, SUPERVISOR, cpu_block, this
from kos.machine import control as ctl
from kos.machine.control import control
from kos.params import HZ
from kos.platform.host import files
from kos.platform.host import process as host
from kos.platform.host import wait as hostwait
from kos.platform.host.clock import now_ns
from kos.platform.host.doorbell import Doorbell
from kos.platform.host.reaper import Reaper
from kos.platform.host.shm import free_bytes
from kos.plugin.guard import running_hook
from kos.sync.spinlock import lock_name

TICK_NS = 1_000_000_000 // HZ
IDLE_WAIT_NS = 100_000_000  #: the supervisor's own sleep while every CPU is idle
SILENT_NS = 800_000_000  #: a CPU without a heartbeat for so long is looked at
ABSENT_NS = 300_000_000  #: after so long between two looks it was the supervisor that did not run
PATIENCE_NS = 2_000_000_000  #: for CPUs that were told to stop
FAILED_PATIENCE_NS = 300_000_000  #: the same, when the machine has failed
SIGBUS = 7
RING_AFTER_TICKS = 4  #: a CPU this far behind its ticks is interrupted by a host signal


@dataclass
class Streams:
    """Host descriptors that the console is relayed to and from."""

    stdin: int = 0
    stdout: int = 1
    stderr: int = 2
    collected: dict[int, bytearray] = field(default_factory=dict)  #: fd -> bytes, where the API wants them

    def describe(self) -> list[files.Stream]:
        """What each is; what is collected looks like a pipe."""
        pipe = files.Stream(stat.S_IFIFO | 0o600, os.O_WRONLY)
        ours = (self.stdin, self.stdout, self.stderr)
        return [pipe if fd in self.collected else files.stream(fd) for fd in ours]


class Supervisor:
    """One machine's processes. start(), then wait_until() as often as wanted, then stop()."""

    def __init__(self, arena: Arena, bells: list[Doorbell], watchdog: float, reaper: Reaper) -> None:
        self.arena = arena
        self.bells = bells
        self.nr_cpus = arena.params.cpus
        self.watchdog_ns = int(watchdog * 1e9)
        self.processes: list[Any] = []
        self.streams = Streams()
        self._reaper: Reaper | None = reaper
        self._last_tick = 0
        self._rung = [0] * self.nr_cpus
        self._seen: list[tuple[int, int]] = [(0, 0)] * self.nr_cpus  #: (heartbeat, when it last changed)
        self._looked_ns = 0
        self.failed = False  #: a CPU died, hangs or panicked: the others are not waited for long
        self._stdin_open = True
        self._unwritten = {1: bytearray(), 2: bytearray()}  #: relayed output that the host did not take yet

    # --- life ------------------------------------------------------------------------------

    def start(self, cpu_main: Any, *args: Any) -> None:
        """Fork the CPUs; returns when every CPU has reported in."""
        this.id = SUPERVISOR
        this.nr_cpus = self.nr_cpus
        this.bells = self.bells
        this.block = cpu_block(SUPERVISOR)
        parent = host.this_pid()
        for cpu in range(self.nr_cpus):
            first = (_enter, cpu_main, cpu, parent, self._reaper, self.bells)
            self.processes.append(host.start(f"kos-cpu{cpu}", *first, *args))
        self._poll = hostwait.Poll([p.sentinel for p in self.processes] + [self.bells[SUPERVISOR].fd])
        self.wait_until(lambda: all(cpu_block(c).state not in (0, 1) for c in range(self.nr_cpus)))

    def stop(self) -> None:
        """Tell every CPU to stop, and see that every one is gone; never fails."""
        for cpu in range(self.nr_cpus):
            cpu_block(cpu).stop = 1
            cpu_block(cpu).pending = 1
            self.bells[cpu].ring()
        deadline = now_ns() + (FAILED_PATIENCE_NS if self.failed else PATIENCE_NS)
        for p in self.processes:
            p.join(max(0.0, (deadline - now_ns()) / 1e9))
        self.kill()

    def kill(self) -> None:
        """SIGKILL for what is left of the CPUs; then the reaper is sent home."""
        for p in self.processes:
            if p.is_alive():
                p.kill()
        for p in self.processes:
            p.join()
            p.close()
        self.processes = []
        if self._reaper is not None:
            self.arena.block.unlink()
            self._reaper.dismiss()
            self._reaper = None

    # --- the loop --------------------------------------------------------------------------

    def wait_until(self, condition: Any, timeout: float | None = None) -> bool:
        """Supervise until condition() holds; False after `timeout` seconds. Raises MachineFailed."""
        deadline = None if timeout is None else now_ns() + int(timeout * 1e9)
        bell = self.bells[SUPERVISOR]
        me = this.block
        while True:
            me.sleeping = 1
            busy = self._tick()
            self._relay()
            self._check_cpus()
            if condition():
                me.sleeping = 0
                return True
            wait = TICK_NS if busy or self.has_unwritten() else IDLE_WAIT_NS
            if deadline is not None:
                left = deadline - now_ns()
                if left <= 0:
                    me.sleeping = 0
                    return False
                wait = min(wait, left)
            self._poll.wait(wait)
            bell.silence()

    def _tick(self) -> bool:
        """Tick the CPUs that run a guest; is any of them busy?"""
        now = now_ns()
        due = now - self._last_tick >= TICK_NS
        busy = False
        for cpu in range(self.nr_cpus):
            block = cpu_block(cpu)
            if block.state != CPU_RUNNING:
                continue
            busy = True
            if not due:
                continue
            behind = block.tick - block.seen_tick
            block.tick += 1
            block.pending = 1
            if behind >= RING_AFTER_TICKS and now - self._rung[cpu] > RING_AFTER_TICKS * TICK_NS:
                self._rung[cpu] = now
                self._signal(cpu)
        if due:
            self._last_tick = now
        return busy

    def _signal(self, cpu: int) -> None:
        """Interrupt a CPU between two bytecodes: it has passed no safepoint for a while."""
        try:
            os.kill(self.processes[cpu].pid, host.ring_signal)
        except ProcessLookupError:
            pass  # its sentinel tells

    def _relay(self) -> None:
        """Move what the guests wrote to the host's streams, and the host's input to the guests."""
        for stream, fd in ((1, self.streams.stdout), (2, self.streams.stderr)):
            into = self.streams.collected.get(fd)
            if into is not None:
                while data := console.drain(stream):
                    into += data
                continue
            waiting = self._unwritten[stream]
            while True:
                if not waiting:
                    waiting += console.drain(stream)
                if not waiting:
                    break
                try:
                    written = hostwait.write_ready(fd, waiting)
                except BrokenPipeError:
                    raise
                except OSError as e:
                    raise HostError(f"the program's output cannot be written (descriptor {fd}): {e.strerror}") from None
                if not written:
                    break  # its reader is slow: what is left stays here, and then in the ring
                del waiting[:written]
        if self._stdin_open and console.wants_input():
            typed = hostwait.read_ready(self.streams.stdin, 65536)
            if typed:
                console.feed(typed)
            elif typed is not None:
                self._stdin_open = False
                console.feed_eof()

    def has_unwritten(self) -> bool:
        """Is there output that the host's reader has not taken?"""
        return bool(self._unwritten[1] or self._unwritten[2])

    def set_streams(self, streams: Streams) -> None:
        """The next program's; none runs."""
        self.streams = streams
        self._stdin_open = True
        console.reset()
        console.describe(
            streams.describe(), not streams.collected and files.is_same_file(streams.stdout, streams.stderr)
        )

    # --- watching --------------------------------------------------------------------------

    def _check_cpus(self) -> None:
        """Raises MachineFailed with what is wrong."""
        try:
            self._look_at_cpus()
        except MachineFailed:
            self.failed = True
            raise

    def _look_at_cpus(self) -> None:
        if control.s.panic_cpu:
            cpu = control.s.panic_cpu - 1
            raise MachineFailed(ctl.read_epitaph(cpu).strip() or f"cpu {cpu} panicked")
        now = now_ns()
        if now - self._looked_ns > ABSENT_NS:
            # Stopped itself (Ctrl-Z, and then it may be the first to be continued): the CPUs get their time anew.
            self._seen = [(beat, now) for beat, _ in self._seen]
        self._looked_ns = now
        for cpu, p in enumerate(self.processes):
            block = cpu_block(cpu)
            if block.state == CPU_STOPPED:
                continue
            if not p.is_alive():
                full = self._if_full(p.exitcode)
                raise MachineFailed(f"cpu {cpu} (host pid {p.pid}) died: {_how(p.exitcode)}{full}{self._where(cpu)}")
            beat, since = self._seen[cpu]
            if block.heartbeat != beat:  # an idle CPU's beats too, twice a second
                self._seen[cpu] = (block.heartbeat, now)
            elif since and now - since > SILENT_NS:
                state = hostwait.process_state(p.pid)
                if state in "TtZX" or now - since > self.watchdog_ns:
                    raise MachineFailed(
                        f"cpu {cpu} (host pid {p.pid}) hangs: no sign of life for {(now - since) / 1e9:.1f} s, "
                        f"the host says its state is {state!r}{self._where(cpu)}"
                    )
        if self._reaper is not None and not self._reaper.is_alive():
            raise MachineFailed("the reaper process (kos-reaper) died; the run cannot be cleaned up safely without it")

    def _if_full(self, exitcode: int | None) -> str:
        """What to say of a death by SIGBUS on a full /dev/shm; makes room, for we would die of the summary, too."""
        if exitcode != -SIGBUS or (left := free_bytes()) > 1 << 20:
            return ""
        self.arena.block.give_back(*self.arena.places["frames"])
        return (
            f"; /dev/shm has {left >> 10} KiB left: enlarge it (mount -o remount,size=4G /dev/shm), or let the program "
            "use less memory"
        )

    def _where(self, cpu: int) -> str:
        """What a CPU was doing, from its control block."""
        block = cpu_block(cpu)
        held = [lock_name(i) for i in list(block.held) if i]
        task = f"it ran pid {block.current_pid}" if block.current else "it was idle"
        hook = running_hook(block.in_plugin)
        inside = f"; it was in {hook}" if hook else ""
        return f"\n  {task}{inside}; locks held: {', '.join(held) if held else 'none'}"


def _enter(cpu_main: Any, cpu: int, parent: int, reaper: Reaper, bells: list[Doorbell], *args: Any) -> None:
    """First function of a CPU process."""
    host.die_with_parent(parent)
    reaper.close_in_child()
    this.bells = bells
    cpu_main(cpu, *args)


def _how(exitcode: int | None) -> str:
    if exitcode is None:
        return "no exit code"
    return f"killed by signal {-exitcode}" if exitcode < 0 else f"exit status {exitcode}"


def make_bells(nr_cpus: int) -> list[Doorbell]:
    """One doorbell a CPU, the supervisor's at index SUPERVISOR (the list is that long)."""
    try:
        own = Doorbell()
        bells = [Doorbell() for _ in range(nr_cpus)]
    except OSError as e:
        raise HostError(f"cannot make doorbells: {e.strerror}") from None
    return bells + [own] * (SUPERVISOR + 1 - nr_cpus)


__all__ = ["MachineFailed", "Streams", "Supervisor", "ipi", "make_bells"]
