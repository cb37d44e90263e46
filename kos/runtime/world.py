"""A guest's world: the modules, built-ins and streams that one task has for itself.

Nothing of the host's interpreter state is the guest's: its `sys.modules`, its `builtins`, its
`sys.stdout` live here, one set a task, made by exec and copied by fork. Native modules
that only compute are presented as fresh module objects that begin as copies of the host's;
code that all guests of a CPU share (the emulated modules, contextlib) finds the world it works
for through `current()`, which the CPU sets whenever another task runs on it.
"""

from __future__ import annotations

import decimal
import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from kos.platform.host.depth import DEEPEST


class World:
    """What belongs to one task and is not in its frames.

    modules: the guest's sys.modules. builtins: the namespace of its module `builtins`.
    origin: module object -> name of the template it was copied from; a module of the guest's own
    code is not in it. pristine: module object -> what its namespace held when it was made (`templates`).
    """

    __slots__ = (
        "__weakref__",
        "argv",
        "at_fork",
        "atexit",
        "builtins",
        "decimal",
        "environ",
        "executable",
        "extra",
        "finalizing",
        "flags",
        "hashes",
        "identities",
        "int_digits",
        "modules",
        "origin",
        "path",
        "pristine",
        "random",
        "recursion_limit",
        "sys",
        "units",
    )

    def __init__(self) -> None:
        self.modules: dict[str, ModuleType] = {}
        self.origin: dict[ModuleType, str] = {}
        self.pristine: dict[ModuleType, tuple[list[Any], tuple[str, ...], tuple[str, ...]]] = {}
        self.sys = ModuleType("sys")  #: the guest's module `sys`, whatever it does to sys.modules
        self.builtins: dict[str, Any] = {}
        self.units: dict[str, None] = {}  #: the units that were compiled for it: their sources travel with it
        self.argv: list[str] = []
        self.environ: dict[str, str] = {}
        self.path: list[str] = []
        self.executable = ""
        self.flags: dict[str, Any] = {}
        self.atexit: list[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]] | None] = []
        #: before, in the parent, in the child: as os.register_at_fork was told, in order of registration
        self.at_fork: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        #: where the emulated modules keep what is the task's own
        self.extra: dict[str, Any] = {}
        self.identities: Any = None  #: what id() has told (`identity`); None until it is first asked
        self.hashes: dict[
            int, int
        ] = {}  #: what a guest's __hash__ said last, by the object's address (`freeze.hashes`)
        self.random: random.Random | None = None  #: behind the functions of `random`
        self.finalizing = False  #: the program has ended, as far as os.fork is concerned (`ending`)
        self.recursion_limit = 1000  #: what sys.setrecursionlimit set
        self.int_digits = _INT_DIGITS  #: what sys.set_int_max_str_digits set
        self.decimal: decimal.Context | None = None  #: the current context, while another task runs

    def forked(self) -> None:
        """This is a fork's child: what must not be the parent's is renewed."""
        if self.random is not None:
            self.random.seed()

    def enter(self) -> None:
        """The task runs now, in this greenlet: what native modules keep per thread is its own."""
        running[0] = self
        if self.decimal is not None:
            decimal.setcontext(self.decimal)
        if self.int_digits != _digits[0]:
            _digits[0] = self.int_digits
            sys.set_int_max_str_digits(self.int_digits)
        if self.recursion_limit != _limit[0]:
            _limit[0] = self.recursion_limit
            sys.setrecursionlimit(min(self.recursion_limit, DEEPEST) + _OWN_DEPTH)

    def leave(self) -> None:
        """The task stops running: take what native modules keep."""
        if self.decimal is not None:
            self.decimal = decimal.getcontext()


_OWN_DEPTH = 160  #: frames that the CPU's own loop and the runtime (depth.RESERVE) may use on top of a guest's
_limit: list[int] = [0]
_INT_DIGITS = sys.get_int_max_str_digits()
_digits: list[int] = [_INT_DIGITS]
_none = World()
running: list[World] = [_none]  #: [0]: the world of the task that this CPU runs


def current() -> World:
    """The world of the task that this CPU runs."""
    return running[0]


def switch_to(world: World | None) -> None:
    """Let `world` be the one that runs on this CPU; None where no task does."""
    was = running[0]
    if was is not world:
        if was.decimal is not None:
            was.leave()
        running[0] = _none
        if world is not None:
            world.enter()


def flags_of(world: World) -> dict[str, Any]:
    """What a program that this one executes inherits from the machine's options (`program.new_world`)."""
    return dict(world.flags)


#: Fields that a snapshot copies; modules, builtins and what is derived from them it handles itself.
COPIED = (
    "argv",
    "environ",
    "path",
    "executable",
    "flags",
    "atexit",
    "at_fork",
    "extra",
    "random",
    "decimal",
    "recursion_limit",
    "int_digits",
    "finalizing",
)
