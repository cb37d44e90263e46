"""The hooks: everything a plugin can replace, watch or add. One page, from top to bottom.

A plugin is a Python file (or a module, or an object) with functions that have these names. This is a whole one:

    from kos.api import Fault, FaultResult, hookimpl

    class Nosy:
        name = "nosy"

        def handle(self, fault: Fault) -> FaultResult | None:
            print("fault at", hex(fault.vaddr))
            return None

    @hookimpl
    def kos_fault_handlers():
        return [Nosy()]

    $ kos run cow_fork -p ./nosy.py

Everything that a plugin needs is in `kos.api` (listed at the end of docs/reference/hooks.md); plugins import nothing
else of kos. A hook may leave out arguments that it does not need. `kos plugins -p ./nosy.py` shows what is active and
what it replaces.

WHEN. Hooks that return something run once, in the supervisor process, when a machine is being made: the arena does
not exist yet, no CPU does, no lock is held. The objects they return are then copied into every CPU process by the
host's fork. So an ordinary attribute of a policy object is the CPU's own, from the first CPU on, and what all CPUs
share must be declared with kos_shared_state.

WHERE. A policy's methods run on the CPU that needs them, in its kernel: guests cannot preempt them, and they must
not wait, except by relax() and by locks. Each Protocol in kos/hooks/policies.py says which locks are held at its
methods; one may take only locks that come later in kos/sync/order.py, and must give them back before it returns.

NONE. From a hook that is asked for a policy it means: none from this plugin, for this machine. The next plugin is
asked, and in the end the shipped default.

WHO WINS. One policy a role. What stands on the command line or in Machine(plugins=...) beats KOS_PLUGINS, that
beats kos.toml, that beats installed plugins (entry points of the group "kos"), and any of them beats the default.
Two policies for one role at the same place are a mistake, and so are unknown hooks, unknown arguments, objects that
lack a method: each is one line with plugin, hook, found, expected, and exit status 2.

RULES. What must hold after a method is checked at the plugin's border (kos/plugin/guard.py). A plugin that raises,
returns the wrong type or breaks a rule stops the machine: its name, the hook, the rule, the events before it, exit
status 70. GuestFault(errno) may be raised where a method's text allows it, nothing else. Shipped policies are
checked by their tests; `--set guard=all` checks them in a run too, `--set guard=off` nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kos.arena.shared import SharedState
    from kos.hooks.policies import (
        FaultHandler,
        ForkPolicy,
        PageAllocator,
        Scheduler,
        ShootdownProtocol,
        TlbModel,
        Transport,
    )
    from kos.hooks.tables import CommandTable, Options, OptionTable
    from kos.params import Params


# --- policies: one of each ---------------------------------------------------------------------------------------


def kos_fork_policy(params: Params, options: Options) -> ForkPolicy | None:
    """What fork does to private memory.

    Its copy_range() runs on the forking CPU, once for each private mapping, the parent's mm lock held; the child is
    not known to anybody yet. It may raise GuestFault(ENOMEM): the kernel then undoes the child.
    Afterwards: no frame is writable from both sides; every frame that the child maps is counted once more, or its
    own; where the parent lost a right, must_flush() is True.
    Default: fork_cow. Copy: plugins/fork_eager.py (short), plugins/fork_cow_stack.py (adds to another policy).
    """


def kos_page_allocator(params: Params, options: Options) -> PageAllocator | None:
    """Who hands out frames.

    Its methods run on any CPU under the zone lock; boot() once in the supervisor, when the arena is there.
    Afterwards: a frame given is a free one, given once until it is taken back, aligned to its order; nr_free() fits.
    The kernel keeps lists for each CPU in front of it, so it is asked for 63 frames at a time.
    Default: alloc_buddy. Copy: plugins/alloc_bitmap.py (shared state, and state of a CPU's own, in 60 lines).
    """


def kos_fault_handlers(params: Params, options: Options) -> FaultHandler | Iterable[FaultHandler] | None:
    """Page-fault handlers, asked before the kernel's own three; the first result that is not None wins.

    handle() runs on the faulting CPU, the mm lock held, the mapping found, the access allowed by it. All plugins'
    handlers are in the chain: the last one named is asked first.
    Afterwards: if OK, the entry permits the access; an entry that was present names the same frame, or was cleared
    and flushed (StaleEntry) before it was set again.
    Default: none. Copy: plugins/fault_around.py.
    """


def kos_shootdown_protocol(params: Params, options: Options) -> ShootdownProtocol | None:
    """How the other CPUs are made to forget translations.

    flush() runs on the CPU that changed the tables, the mm lock held, entries changed, the generation counted up,
    its own TLB flushed. It waits by wait_for_acks() or relax(), which serve this CPU's interrupts.
    Afterwards (True): no CPU can use an old translation. False is allowed where request.may_defer is set: then the
    protocol owns `stale`, and calls stale.release(), once, when no CPU can.
    Default: shootdown_ipi. Copy: plugins/shootdown_broadcast.py (short), plugins/shootdown_batched.py (defers).
    """


def kos_transport(params: Params, options: Options) -> Transport | None:
    """How interrupts travel from CPU to CPU.

    send() and receive() run on every CPU and in the supervisor, with any lock held: they take no kernel lock and
    never block. Whatever host objects they need are made here, before the CPUs are forked.
    Afterwards: a message that send() took (True) is in the target's next receive(), once, oldest first a sender.
    The kernel sets the target's pending word and rings its doorbell itself.
    Default: transport_ring. Copy: plugins/transport_pipe.py.
    """


def kos_tlb_model(params: Params, options: Options) -> TlbModel | None:
    """What a CPU's TLB can hold and what it evicts. params.options["tlb"] is --tlb as [entries, ways].

    Its methods run on the CPU whose TLB it is, no particular lock held; a hit does not come here, so it costs nothing.
    Afterwards: what was flushed is gone; what is remembered is what was inserted, and is in `write` only if it was
    inserted as writable. Forgetting more than asked is always allowed.
    Default: tlb_setassoc. Copy: plugins/tlb_unlimited.py (shortest), plugins/tlb_twolevel.py.
    """


def kos_scheduler(params: Params, options: Options) -> Scheduler | None:
    """Which ready task of a CPU runs next, and for how long.

    Its methods run under that run queue's lock, mostly on its CPU, enqueue() on the one that wakes a task.
    Afterwards: enqueue() has linked the task, dequeue() and pick_next() have unlinked it; pick_next() returns None
    only when the queue is empty.
    Default: sched_rr. Copy: plugins/sched_rr.py, plugins/sched_fair.py.
    """


# --- state ---------------------------------------------------------------------------------------------------------


def kos_shared_state(params: Params, options: Options) -> SharedState | Iterable[SharedState] | None:
    """State that all CPUs share: instances of classes made with @shared(lock=...).

    Asked before the arena is made, which is then large enough for them. All zero at boot; a state's own boot(params)
    runs once in the supervisor, before the CPUs are forked. Who writes a field holds the lock that the class names.
    None: no such state. Copy: plugins/alloc_bitmap.py; the rules: kos/arena/shared.py.
    """


# --- watching ------------------------------------------------------------------------------------------------------


def kos_event(event: str, fields: Mapping[str, Any]) -> None:
    """Something happened: the same events, names and units as in the log (docs/reference/events.md).

    Runs on the CPU where it happened, at the point where it happened, with whatever locks are held there: take
    locks of rank "plugin" only, do not wait. fields also has ts (ns since boot), cpu and pid. The result is ignored.
    All plugins are told. Copy: plugins/watch_pages.py.
    """


def kos_events() -> Iterable[str]:
    """Which events kos_event wants: names, or patterns as "mm.*". All without this hook: each one costs its price."""
    return ("*",)


def kos_summary() -> str | None:
    """Text for the end of the run, below the summary.

    Runs in the supervisor when the program has ended and all is quiet; the arena is still there, so shared state can
    be read, and holds the whole truth. Ordinary attributes do not: those are in the CPUs. None: nothing to say.
    It has 20 s. Copy: plugins/watch_pages.py.
    """


# --- command line --------------------------------------------------------------------------------------------------


def kos_options(table: OptionTable) -> None:
    """Declare the plugin's options, before anything else is asked: table.add("pages", 1, "how many pages").

    The default's type is the option's. A user sets it with `--set PLUGIN.pages=4`, in kos.toml, or, if add() was
    given flag="--stack-pages", with that option of every command that boots a machine. Hooks get the values as
    options["pages"]. An option that nobody declared is refused. Copy: plugins/fork_cow_stack.py.
    """


def kos_commands(commands: CommandTable) -> None:
    """Add commands: commands.add("heat", main, "show hot pages") makes `kos heat ARGS` call main(ARGS) -> exit status.

    Asked only when a command is looked up, in the process of the command line; no machine exists. Plugins that are
    not installed are named first: `kos -p ./heat.py heat`. Names of shipped commands cannot be taken.
    """
