"""What each trap of a task means to its CPU: wait, give way, fork, exec, exit; and how tasks begin.

A trap arrives when the task's Python code is suspended at one known point. handle() does what it asks for
and says whether the same task goes on at once.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from kos.errors import GuestFault, KernelBug
from kos.fs import boot as fs_boot
from kos.fs import console
from kos.hw.cpu import this
from kos.hw.ipi import notify
from kos.machine.config import MachineConfig
from kos.machine.control import control
from kos.mm import limits, stack
from kos.mm.mm import mm_alloc, mmput
from kos.mm.structs import mms
from kos.proc import exec as proc_exec
from kos.proc import exit as proc_exit
from kos.proc import fork as proc_fork
from kos.proc import init as proc_init
from kos.proc import kill as proc_kill
from kos.proc import signal
from kos.runtime import context, program, snapshot
from kos.runtime.frames import CannotCapture
from kos.runtime.sync import sync
from kos.runtime.trampoline import Context, Loops, restored
from kos.sched import sched
from kos.sched.structs import Task
from kos.syscall import entry
from kos.traps import Exec, Exit, Fork, Resched, Wait

CLONE_VM = 0x100
SIGKILL, SIGPIPE = 9, 13
THREAD_STACK = 1 << 20  #: bytes of a thread's stack, unless its context is larger
UNLIMITED_STACK = 1 << 40


class Traps:
    """Trap handling of one CPU. contexts: hot contexts by task slot, owned by this CPU alone."""

    def __init__(self, loops: Loops, contexts: dict[int, Context], config: MachineConfig) -> None:
        self.loops = loops
        self.contexts = contexts
        self.stress = config.stress_context

    # --- tasks and their contexts --------------------------------------------------------------

    def context_of(self, task: Task) -> Context | None:
        """The task's hot context, restored from its stack pages where need be; its mm is loaded.

        None: it is gone (killed, or its context is damaged), and has been dealt with.
        """
        ctx = self.contexts.get(task.index)
        if signal.fatal_pending(task):
            self._exit(ctx, task, Exit(signal.fatal_status(task), True))
            return None
        if ctx is not None:
            if task.vfork_child and not self._vfork_is_over(ctx, task):
                return None
            if ctx.again is not None:
                trap, ctx.again = ctx.again, None
                return ctx if self.handle(ctx, trap) else None
            return ctx
        try:
            frames, its_world, _ = context.read(task, mms[task.mm])
            ctx = restored(frames, its_world, task.result)
        except context.BadContext as e:
            entry.complain(str(e))
            self._exit(None, task, Exit(SIGKILL, True))
            return None
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
        """Do what a trap asks for. True: the same task goes on at once, with ctx.value or ctx.error."""
        task: Task = this.task
        kind = type(trap)
        if kind is Wait:
            sched.switch_out(task, trap.deadline_ns, self._stress_save(ctx, task) if self.stress else None)
            return False
        if kind is Resched:
            if self.stress:
                target = self._stress_save(ctx, task)
                if target is None:
                    sched.wants_migration(task)  # answered with no: who asks for ever would be asked for ever
            else:
                target = sched.wants_migration(task)
                if target is not None and not self.save(ctx, task, "migrate"):
                    target = None
            sched.switch_out(task, 0, target)
            return False
        if kind is Fork:
            self._fork(ctx, task, trap)
            return self._vfork_is_over(ctx, task) and self._goes_on(ctx, task)
        if kind is Exec:
            return self._exec(ctx, task, trap) and self._goes_on(ctx, task)
        if kind is Exit:
            self._exit(ctx, task, trap)
            return False
        raise KernelBug(f"pid {task.pid} trapped with {trap!r}")

    def _stress_save(self, ctx: Context, task: Task) -> int | None:
        """--stress-context: save and drop the context at this suspension; the CPU that it goes to."""
        if not self.save(ctx, task, "stress"):
            return None
        entry.Stress.saved_bytes = task.ctx_len
        for step in range(1, this.nr_cpus):
            cpu = (this.id + step) % this.nr_cpus
            if task.affinity >> cpu & 1:
                return cpu
        return None

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
                size = max(THREAD_STACK, 2 * len(body))
                child.stack_low, child.stack_top = stack.setup_thread_stack(mm, size)
                context.write(child, mm, body, "clone")
            child.result = 0
            context.mark_saved(child, body)

        return proc_fork.copy_process(trap.flags, copy_context)

    def _vfork_is_over(self, ctx: Context, task: Task) -> bool:
        """False: the task waits for its vfork child, and is switched out."""
        if proc_fork.vfork_wait(task) is None:
            return True
        sched.switch_out(task)
        return False

    def _goes_on(self, ctx: Context, task: Task) -> bool:
        """False: the task has been killed meanwhile, and must not see what its fork or exec failed with."""
        if not signal.is_killed(task):
            return True
        self._exit(ctx, task, Exit(signal.fatal_status(task), True))
        return False

    def _exec(self, ctx: Context, task: Task, trap: Exec) -> bool:
        """Replace the program. Until begin_exec has succeeded, an error is the caller's result."""
        try:
            begun = proc_exec.begin_exec(trap.path, trap.argv, trap.env)
        except GuestFault as e:
            ctx.error = entry.to_oserror(e)
            return True
        if isinstance(begun, Wait):
            ctx.again = trap  # other threads are still ending: the trap is handled again when the task is awake
            sched.switch_out(task)
            return False
        path, argv = begun
        flags = {**ctx.world.flags, **fs_boot.streams_of(task)}
        del self.contexts[task.index]
        self.loops.bury(ctx)
        self._new_image(task, path, argv, trap.env, flags)
        sched.switch_out(task)
        return False

    def _new_image(self, task: Task, path: str, argv: Any, env: Any, flags: dict[str, Any]) -> None:
        """Fresh stack, fresh world, and the task at the start of the program."""
        limit = limits.settings.current().stack
        task.stack_top = stack.setup_stack(mms[task.mm], limit)
        task.stack_low = task.stack_top - (limit if limit >= 0 else UNLIMITED_STACK)
        task.ctx_len = 0
        gen, its_world = program.start(path, argv, env, flags)
        self.contexts[task.index] = Context(gen, its_world)

    def _exit(self, ctx: Context | None, task: Task, trap: Exit) -> None:
        self.contexts.pop(task.index, None)
        if ctx is not None:
            self.loops.bury(ctx)
        if trap.group:
            proc_exit.do_group_exit(trap.status)
        else:
            proc_exit.do_exit(trap.status)
        if control.s.kill_seq != control.s.kill_done:
            notify(0)  # it waits for the last task to go

    # --- safepoints ----------------------------------------------------------------------------

    def forced_safepoint(self) -> None:
        """A safepoint where the guest's code has none: called between two of its bytecodes."""
        steps = entry.safepoint()
        if steps:
            sync(steps)

    # --- beginnings and ends -------------------------------------------------------------------

    def start_program(self, request: dict[str, Any]) -> None:
        """The supervisor's request: a program, child of init, with the host's streams."""
        path, folder = request["path"], os.path.dirname(request["path"])
        control.s.request_error = 0
        fs_boot.show_folder(folder)
        flags = {"unbuffered": request["unbuffered"], "tty": {fd for fd in range(3) if console.is_tty(fd)}}
        mm = None
        try:
            mm = mm_alloc()
            limit = 8 << 20
            top = stack.setup_stack(mm, limit)
            gen, its_world = program.start(path, request["argv"], request["environ"], flags)

            def setup(task: Task) -> None:
                task.stack_top, task.stack_low = top, top - limit
                self.contexts[task.index] = Context(gen, its_world)
                task.affinity = 1 << this.id

            files, where = fs_boot.first_files(), fs_boot.first_context(request["cwd"])
            task = proc_init.new_program(mm, files, where, os.path.basename(path), setup, (SIGPIPE,))
            # Until here it may run on this CPU only, which is busy with this: the slot is still its own.
            task.affinity = (1 << this.nr_cpus) - 1
            control.s.first_pid = task.pid
        except GuestFault as e:
            if mm is not None:
                mmput(mm)
            control.s.request_error = e.errno

    def kill_everything(self) -> bool:
        """Kill all tasks but init; True when none is left."""
        return proc_kill.kill_all() == 0
