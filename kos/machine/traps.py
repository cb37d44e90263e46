"""What each trap of a task means to its CPU: wait, give way, fork, exec, exit; and how tasks begin.

A trap arrives when the task's Python code is suspended at one known point. handle() does what it asks for
and says whether the same task goes on at once.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from kos.errors import GuestFault, KernelBug
from kos.hw.cpu import this
from kos.machine.config import MachineConfig
from kos.mm import stack, switch
from kos.mm.structs import Mm, mms
from kos.platform.host.clock import now_ns
from kos.proc import exec as proc_exec
from kos.proc import exit as proc_exit
from kos.proc import fork as proc_fork
from kos.proc import signal, timer
from kos.runtime import context, program, snapshot, world
from kos.runtime.frames import CannotCapture
from kos.runtime.sync import sync
from kos.runtime.trampoline import Context, Loops, restored
from kos.runtime.traps import Exec, Exit, Fork, Resched, Wait
from kos.sched import sched
from kos.sched.structs import Task, tasks
from kos.syscall import entry

CLONE_VM = 0x100
_STRESS_EVERY = 16  #: --stress-context: beyond the first few, only each n-th safepoint saves the context


class Traps:
    """Trap handling of one CPU. contexts: hot contexts by task slot, owned by this CPU alone."""

    def __init__(self, loops: Loops, contexts: dict[int, Context], config: MachineConfig) -> None:
        self.loops = loops
        self.contexts = contexts
        self.stress = config.stress_context
        self.nr_buried = 0
        self._stress_count = 0

    # --- tasks and their contexts --------------------------------------------------------------

    def mm_of(self, task: Task) -> Mm:
        return mms[task.mm]

    def context_of(self, task: Task) -> Context | None:
        """The task's hot context, restored from its stack pages where need be.

        None: it is gone (killed, or its context is damaged), and has been dealt with.
        """
        ctx = self.contexts.get(task.index)
        if signal.is_killed(task):
            if ctx is None:
                ctx = self.contexts[task.index] = Context.empty()
            self._exit(ctx, task, Exit(signal.fatal_status(task), True))
            return None
        if ctx is not None:
            return ctx
        try:
            frames, its_world, _ = context.read(task, mms[task.mm])
            ctx = restored(frames, its_world)
        except context.BadContext as e:
            entry.complain(str(e))
            ctx = self.contexts[task.index] = Context.empty()
            self._exit(ctx, task, Exit(int(9), True))
            return None
        ctx.value = task.result
        task.ctx_len = 0
        self.contexts[task.index] = ctx
        return ctx

    def save(self, ctx: Context, task: Task, reason: str) -> bool:
        """Store the context in the task's stack pages and drop it here; False where that cannot be done."""
        try:
            body = snapshot.dumps(ctx.capture(), ctx.world, None)
            context.write(task, mms[task.mm], body, reason)
        except (CannotCapture, TypeError, GuestFault):
            return False
        task.result = ctx.value if type(ctx.value) is int else 0
        del self.contexts[task.index]
        self.loops.bury(ctx)
        context.mark_saved(task, body)
        return True

    # --- the traps -----------------------------------------------------------------------------

    def handle(self, ctx: Context, trap: Any) -> bool:
        task: Task = this.task
        kind = type(trap)
        if kind is Wait:
            if trap.deadline_ns:
                timer.arm(task, trap.deadline_ns)
            if signal.pending(task):
                sched.wake(task)  # it came between the call's last look and now
            if self.stress:
                self._stress_save(ctx, task)
            sched.switch_out(task)
            return False
        if kind is Resched:
            target = sched.wants_migration(task)
            if self.stress:
                self._stress_save(ctx, task)
            elif target is not None and self.save(ctx, task, "migrate"):
                sched.move_to(task, target)
            sched.switch_out(task)
            return False
        if kind is Fork:
            self._fork(ctx, task, trap)
            return True
        if kind is Exec:
            return self._exec(ctx, task, trap)
        if kind is Exit:
            self._exit(ctx, task, trap)
            return False
        raise KernelBug(f"pid {task.pid} trapped with {trap!r}")

    def _stress_save(self, ctx: Context, task: Task) -> None:
        """--stress-context: save and drop the context at this suspension, and send the task elsewhere."""
        self._stress_count += 1
        if self.save(ctx, task, "stress"):
            sched.place_elsewhere(task)

    def _fork(self, ctx: Context, task: Task, trap: Fork) -> None:
        """os.fork and kos.guest.clone: the child gets a copy of the Python state, through its stack pages."""
        try:
            ctx.value = self._fork_checked(ctx, task, trap)
        except GuestFault as e:
            ctx.error = entry.to_oserror(e)
        except (OSError, TypeError) as e:
            ctx.error = e

    def _fork_checked(self, ctx: Context, task: Task, trap: Fork) -> int:
        try:
            if trap.fn is not None:
                frames = program.thread_frames(trap.fn, trap.args)
            else:
                frames = ctx.capture()
        except CannotCapture as e:
            raise OSError(errno.ENOTSUP, f"{os.strerror(errno.ENOTSUP)}: fork: {e}") from None
        body = snapshot.dumps(frames, ctx.world, None)
        mm = mms[task.mm]
        own_stack = not trap.flags & CLONE_VM
        if own_stack:
            context.write(task, mm, body, "fork")

        def copy_context(child: Task) -> None:
            """Registers: the child resumes from the copy on its stack, with 0 as its fork's result."""
            if own_stack:
                child.ctx_addr = task.ctx_addr
                child.stack_top = task.stack_top
                child.stack_low = task.stack_low
            else:
                child.stack_low, child.stack_top = stack.setup_thread_stack(mm)
                context.write(child, mm, body, "clone")
            child.result = 0
            context.mark_saved(child, body)

        child = proc_fork.copy_process(trap.flags, copy_context)
        return int(child.pid)

    def _exec(self, ctx: Context, task: Task, trap: Exec) -> bool:
        """Replace the program. Until begin_exec has succeeded, an error is the caller's result."""
        try:
            path = proc_exec.begin_exec(trap.path, trap.argv, trap.env)
        except GuestFault as e:
            ctx.error = entry.to_oserror(e)
            return True
        old = ctx.world
        del self.contexts[task.index]
        self.loops.bury(ctx)
        self.nr_buried += 1
        switch.load_mm(mms[task.mm])
        self._new_image(task, path, trap.argv, trap.env, world.flags_of(old))
        return False

    def _new_image(self, task: Task, path: str, argv: list[Any], env: dict[Any, Any], flags: dict[str, Any]) -> None:
        """Fresh stack, fresh world, and the task at the start of the program; it is runnable."""
        task.stack_low, task.stack_top = stack.setup_stack(mms[task.mm])
        task.ctx_len = 0
        gen, its_world = program.start(path, argv, env, flags)
        self.contexts[task.index] = Context(gen, its_world)
        sched.switch_out(task) if this.task is task else None

    def _exit(self, ctx: Context, task: Task, trap: Exit) -> None:
        self.contexts.pop(task.index, None)
        self.loops.bury(ctx)
        self.nr_buried += 1
        if trap.group:
            proc_exit.do_group_exit(trap.status)
        else:
            proc_exit.do_exit(trap.status)

    # --- safepoints ----------------------------------------------------------------------------

    def forced_safepoint(self) -> None:
        """A safepoint where the guest's code has none: called between two of its bytecodes."""
        steps = entry.safepoint()
        if steps:
            sync(steps)

    # --- beginnings and ends -------------------------------------------------------------------

    def start_program(self, request: dict[str, Any]) -> None:
        """The supervisor's request: a first program, child of init."""
        ...

    def kill_everything(self) -> bool:
        """Kill all tasks but init; True when none is left."""
        signal.kill_all()
        return sched.nr_tasks() == 0


__all__ = ["Traps", "now_ns", "tasks"]
