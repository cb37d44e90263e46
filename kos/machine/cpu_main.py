"""The life of one CPU: come up, run the scheduler loop until told to stop, say what happened.

The loop is the only place that knows all of a CPU's duties, in this order: its interrupts, the supervisor's
requests, the timers that are due, the next task. A task runs until it traps; kos.proc.trap says what the trap
means. Nothing here takes a lock over a turn of the loop.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from types import FrameType
from typing import Any

from kos.errors import KernelBug, MachineStop, PluginError, describe
from kos.fs import console
from kos.hw import ipi, stop
from kos.hw.cpu import CPU_IDLE, CPU_RUNNING, CPU_STOPPED, SUPERVISOR, cpu_block, this
from kos.hw.relax import host_cores
from kos.machine import control as ctl
from kos.machine import parts, traps
from kos.machine.config import MachineConfig
from kos.machine.control import control
from kos.mm import switch
from kos.mm.structs import mms
from kos.platform.host import depth
from kos.platform.host import process as host
from kos.platform.host.atomic import fence
from kos.platform.host.clock import cpu_time_ns, now_ns
from kos.proc import rlimit
from kos.runtime import hooks, unraisable
from kos.runtime.trampoline import Context, Loops
from kos.sched import sched, timer

MAX_SLEEP_NS = 500_000_000  #: an idle CPU looks around this often even if nobody rings
KERNEL_LIMIT_NS = 1_200_000_000  #: the kernel looks at its interrupts far more often than that
REPORT_CHARS = 12_000  #: of a report's traceback and events: an epitaph has room for 16 KiB
GARBAGE = 100_000  #: objects that are new since the last collection of cyclic garbage: at least so many
PRESSING = 4  #: times as many are collected when the CPU is not idle, too


class _Polled:
    """Who wants something of the main loop stores it, and then the pending word: no poll, nothing to look for."""

    since = True  #: has this CPU served its interrupts since the loop looked at what the supervisor wants?


polled = _Polled()


def cpu_main(cpu: int, config: MachineConfig, boot_ns: int) -> None:
    """Entry of a CPU process; never returns."""
    status = 0
    try:
        _come_up(cpu, config, boot_ns)
        _Cpu(config).loop(None, None)
    except MachineStop:
        pass
    except BaseException as e:
        status = 70
        _panic(e)
    finally:
        parts.cpu_down()
        if status == 0:
            this.block.state = CPU_STOPPED
        _ring_supervisor()
        os._exit(status)


def _come_up(cpu: int, config: MachineConfig, boot_ns: int) -> None:
    host.leave_terminal()
    # Before anybody can ring: on a busy host a CPU that runs, as its state says, may be late with its own handler.
    host.on_ring(_not_yet)
    host.set_title(f"kos-cpu{cpu}")
    host.keep_freed_memory()
    this.become(cpu, config.cpus)
    this.block.host_pid = host.this_pid()
    host_cores.is_crowded = config.cpus > host.host_cores()
    if not host_cores.is_crowded:
        host.pin(cpu)
    stop.hooks.panic = _panic
    ipi.vectors[ipi.STOP] = _on_stop
    ipi.vectors[ipi.CALL] = _on_call
    ipi.poll_hooks.append(_on_poll)
    sys.setrecursionlimit(10_000)
    this.watch_depth(depth.remaining())
    sys.unraisablehook = unraisable.of_host
    parts.cpu_up(config, boot_ns)
    gc.disable()  # a collection may run finalisers of any guest at any moment: it is done between tasks
    gc.freeze()
    this.block.heartbeat = now_ns()
    this.block.state = CPU_RUNNING
    _ring_supervisor()


def _not_yet(number: int, frame: FrameType | None) -> None:
    """The pending word is set: the loop looks at it."""


def _on_stop(sender: int, a: int, b: int, c: int) -> None:
    raise MachineStop


def _on_call(sender: int, a: int, b: int, c: int) -> None:
    """Nothing to do but to look around: the loop does."""


def _on_poll() -> None:
    """After the interrupt queue: the stop word and the timer tick."""
    polled.since = True
    block = this.block
    if block.stop or (control.s.panic_cpu and control.s.panic_cpu != this.id + 1):
        hooks.DEAD[0] = BaseException  # on its way out it must not run handlers of the guest's
        raise MachineStop
    tick = block.tick
    if tick != block.seen_tick:
        block.seen_tick = tick
        block.heartbeat = now_ns()
        sched.tick()
        if this.id == 0 and control.s.kill_seq != control.s.kill_done:
            sched.want_loop()  # a task that is alone here and never sleeps keeps the loop from serving it


def _ring_supervisor() -> None:
    fence()
    if cpu_block(SUPERVISOR).sleeping:
        this.bells[SUPERVISOR].ring()


def _panic(e: BaseException) -> None:
    """Write the epitaph and stop every other CPU."""
    hooks.DEAD[0] = BaseException  # on its way out it must not run handlers of the guest's
    if control.s.panic_cpu:
        return
    kind = {PluginError: "a plugin broke a rule", KernelBug: "kos broke its own rule"}.get(type(e), "kos failed")
    text = "".join(traceback.format_exception(e))
    if len(text) > REPORT_CHARS:  # somebody's text is endless: the places stand before it, the last events after it
        text = f"{text[: REPORT_CHARS // 2]}\n[...]\n{text[-REPORT_CHARS // 2 :]}"
    task = f"pid {this.block.current_pid}" if this.block.current else "no task"
    locks = ", ".join(parts.held_locks(this.id)) or "none"
    others = [] if isinstance(e, PluginError) else parts.others()
    about = f"\n  plugins that take part: {', '.join(others)}" if others else ""
    what = str(e) if isinstance(e, KernelBug | PluginError) else describe(e)
    ctl.write_epitaph(
        this.id, f"cpu {this.id} panicked: {kind}: {what}\n  task: {task}; locks held: {locks}{about}\n{text}"
    )
    control.s.panic_cpu = this.id + 1
    for cpu in range(this.nr_cpus):
        if cpu != this.id:
            ipi.notify(cpu)


class _Cpu:
    """The scheduler loop of this CPU, on whichever greenlet it happens to run."""

    def __init__(self, config: MachineConfig) -> None:
        self.config = config
        self.loops = Loops(self._loop_elsewhere)
        self.contexts: dict[int, Context] = {}  #: hot contexts by task slot
        self.requests_seen = 0
        self.audits_seen = 0
        self.old_objects = 0  #: about so many were alive after the last collection
        self.traps = traps.Traps(self.loops, self.contexts, config)
        hooks.suspend = self.loops.suspend
        self.is_auditing = False
        self._unseen_since = (0, 0, 0)  #: tick and audit that this CPU has seen, its processor time then
        host.on_ring(self._on_host_signal)
        sched.tick_hooks.append(self._on_tick)

    def _loop_elsewhere(self, ctx: Context, trap: Any) -> None:
        """Body of the further scheduler greenlets: nothing may leave it but the end of the process."""
        try:
            self.loop(ctx, trap)
        except MachineStop:
            status = 0
        except BaseException as e:
            status = 70
            _panic(e)
        parts.cpu_down()
        if status == 0:
            this.block.state = CPU_STOPPED
        _ring_supervisor()
        os._exit(status)

    def loop(self, ctx: Context | None, trap: Any) -> None:
        """Run tasks for ever; begins with a trap to handle where there is one. Ends by MachineStop."""
        handle = self.traps.handle
        while True:
            while ctx is not None:
                # handle() says whether the same task goes on at once (a fork's parent does).
                if not handle(ctx, trap):
                    break
                ctx, trap = self.loops.run(ctx)
            ctx = None
            if this.interrupted:
                ipi.poll_ipis()
            if polled.since:
                polled.since = False
                console.service()
                self._serve_requests()
            if timer.heap:
                timer.expire_due(now_ns())
            if sched.local.wanted:
                sched.local.wanted = False
                if self._has_garbage(PRESSING):
                    self._collect_garbage()
            task = sched.pick_next()
            if task is None:
                self._idle()
                continue
            switch.load_mm(mms[task.mm])
            rlimit.apply_to_host(task)
            ctx = self.traps.context_of(task)
            if ctx is not None:
                ctx, trap = self.loops.run(ctx)

    def _serve_requests(self) -> None:
        c = control.s
        if this.id == 0:
            if c.request_seq != self.requests_seen:
                self.requests_seen = c.request_seq
                self.traps.start_program(ctl.get_request())
                c.request_done = self.requests_seen
                _ring_supervisor()
            if c.kill_seq != c.kill_done and self.traps.kill_everything():
                c.kill_done = c.kill_seq
                _ring_supervisor()
        if c.audit_seq != self.audits_seen:
            self.audits_seen = c.audit_seq
            self.is_auditing = True
            self._collect_garbage()
            parts.publish_counts()  # the summary is made before the CPUs go down
            ctl.write_epitaph(this.id, "\n".join(parts.audit_cpu(self.contexts)))
            self.is_auditing = False
            ctl.answers[this.id + 1].audit_done = self.audits_seen
            _ring_supervisor()

    def _idle(self) -> None:
        """Sleep until rung, or until the next timer is due.

        Order: say that we sleep, fence, look once more; whoever gives us work stores it, fences, and
        looks whether we sleep. One of the two sees the other.
        """
        if self._has_garbage(1):
            self._collect_garbage()
        block = this.block
        switch.enter_lazy()
        block.state = CPU_IDLE
        block.sleeping = 1
        fence()
        if not this.interrupted and not sched.has_work():
            deadline = timer.next_deadline()
            timeout = MAX_SLEEP_NS if not deadline else min(MAX_SLEEP_NS, max(0, deadline - now_ns()))
            this.bells[this.id].wait(timeout)
        block.sleeping = 0
        block.heartbeat = now_ns()
        block.state = CPU_RUNNING
        switch.leave_lazy()
        polled.since = True
        sched.balance_idle()

    def _has_garbage(self, times: int) -> bool:
        """Are there so many new objects that some are probably garbage?

        A task that ends here or goes to another CPU leaves its whole world, and a guest its own cycles. As many new
        ones as old ones at least, so that a guest with millions of objects is not looked through again and again.
        """
        return gc.get_count()[0] > times * max(GARBAGE, self.old_objects)

    def _collect_garbage(self) -> None:
        new = gc.get_count()[0]
        with hooks.dead():
            freed = gc.collect()
        self.old_objects = max(0, self.old_objects + new - freed)

    def _on_tick(self, task: object, ran_ns: int) -> None:
        """A guest that has the CPU for itself gives way to the collector."""
        if self._has_garbage(PRESSING):
            sched.want_loop()

    def _on_host_signal(self, number: int, frame: FrameType | None) -> None:
        """The supervisor saw no safepoint of ours for some ticks: look at our queue here and now.

        Runs between two bytecodes. Inside kos' own code it does nothing: the pending word is set, and the
        end of that section looks at it. Between the guest's own bytecodes, or in library code that the guest
        called, it is a safepoint like any other. But not where the guest's frames move without the guest: a context
        that is being restored has another one before it in `current`, which must not get this one's greenlet.
        """
        this.block.nr_host_signals += 1
        self._watch_kernel(frame)
        if not self.loops.inside or not parts.is_guest_code(frame) or this.task is None:
            return
        if this.room[0] < depth.RESERVE:
            return  # a guest that has gone as deep as it may: its next safepoint, or call, is refused
        self.traps.forced_safepoint()

    def _watch_kernel(self, frame: FrameType | None) -> None:
        """Raise KernelBug where the kernel, or a plugin in it, runs in a circle; its way up says whose fault it is.

        Processor time counts, not the time of day: on a crowded host a CPU may long be kept from going on. A library
        that computes for the guest may take as long as it likes; so may the audit, which serves no interrupts.
        """
        seen = self._unseen_since
        now = (this.block.seen_tick, self.audits_seen, cpu_time_ns())
        if self.is_auditing or now[:2] != seen[:2] or not parts.is_kernel_code(frame):
            self._unseen_since = now
        elif now[2] - seen[2] > KERNEL_LIMIT_NS:
            locks = ", ".join(parts.held_locks(this.id)) or "none"
            raise KernelBug(f"hangs: {KERNEL_LIMIT_NS / 1e9} s in one piece of the kernel; locks held: {locks}")
