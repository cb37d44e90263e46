"""Running a task on this CPU: its hot context, and the greenlets for what C code has on its stack.

A hot context is the task as live Python objects. `run()` sends it the result of its last trap and returns the
next trap. Normally that happens directly on the scheduler's own greenlet and costs no switch. Only when a
guest function that C code called (a sort key, an operator's method) has to wait, the scheduler's greenlet,
with the C frames on its stack, becomes the task's: the scheduler goes on in another greenlet, and comes back
to the first one by a switch when the task runs again. Such a task is *pinned*: it cannot be saved or moved.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

from kos.runtime import frames, hooks, snapshot
from kos.runtime.frames import Body, Frame
from kos.runtime.world import running, switch_to
from kos.traps import LANDED

LANDING_DEPTH = 1000


class Buried(BaseException):
    """Thrown through the C frames of a pinned task that is dead, to take them off the stack."""


class Context:
    """One task's Python state, while it lives in this process."""

    __slots__ = ("again", "error", "gen", "pinned", "value", "world")

    def __init__(self, gen: Body, world: Any) -> None:
        self.gen: Body | None = gen
        self.world = world
        self.pinned: greenlet | None = None  #: where its C frames are, while it waits inside them
        self.value: Any = None  #: result of its last trap
        self.error: BaseException | None = None  #: raised there instead
        self.again: Any = None  #: a trap to be handled once more before it runs

    def run(self) -> Any:
        """Let it run until its next trap, which is returned; not for a pinned one."""
        gen = self.gen
        assert gen is not None
        error, value = self.error, self.value
        self.error = self.value = None
        if error is not None:
            return gen.throw(error)
        return gen.send(value)

    def capture(self) -> list[Frame]:
        """Its frames, outermost first. Raises frames.CannotCapture."""
        if self.pinned is not None or self.gen is None:
            raise frames.CannotCapture("C code is on its stack")
        return frames.capture(self.gen)


def restored(saved: list[Frame], world: Any, result: int) -> Context:
    """A context from saved frames: built, run to its leaf, and waiting there for the trap's result.

    A leaf that has not been started (a new task's function) has no trap to answer: it begins when it is run.
    """
    switch_to(world)
    gen = frames.rebuild(saved)
    ctx = Context(gen, world)
    if saved[-1].point:
        # Landing calls through frames that are not the guest's: it may not run into the guest's own limit.
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + LANDING_DEPTH)
        try:
            landed = gen.send(None)
        finally:
            sys.setrecursionlimit(limit)
        if landed is not LANDED:
            raise snapshot.SnapshotError(f"a restored context stopped at {landed!r} and not where it was saved")
        ctx.value = result
    return ctx


class Loops:
    """The scheduler's greenlets: exactly one runs the scheduler, the others are pinned or spare."""

    def __init__(self, body: Callable[[Context, Any], None]) -> None:
        self._body = body  #: the scheduler loop: (context, trap) to begin with
        self._spare: list[greenlet] = []
        self._burying: greenlet | None = None
        self.current: Context | None = None  #: the context that runs now, or ran last
        #: Does `current` run now? Not so while one is built, saved or dropped, although guest frames move then, too.
        self.inside = False

    def run(self, ctx: Context) -> tuple[Context, Any]:
        """Run ctx until some context of this CPU traps; which, and its trap.

        It need not be ctx: this greenlet may lie spare meanwhile, and be taken for another's trap.
        """
        self.current = ctx
        if running[0] is not ctx.world:
            switch_to(ctx.world)
        self.inside = True
        if ctx.pinned is None:
            try:
                trap = ctx.run()
            except Buried:
                return self._lie_spare(self._burying)
            self.inside = False
            return ctx, trap
        g = ctx.pinned
        ctx.pinned = None
        return self._lie_spare(g)

    def _lie_spare(self, to: greenlet | None) -> tuple[Context, Any]:
        self._spare.append(getcurrent())
        assert to is not None
        result: tuple[Context, Any] = to.switch()
        return result

    def suspend(self, trap: Any) -> Any:
        """From inside C code: give the trap to the scheduler, on another greenlet; returns its result."""
        ctx = self.current
        assert ctx is not None
        self.inside = False
        ctx.pinned = getcurrent()
        if self._spare:
            self._spare.pop().switch((ctx, trap))
        else:
            greenlet(self._body).switch(ctx, trap)
        error, value = ctx.error, ctx.value
        ctx.error = ctx.value = None
        if error is not None:
            raise error
        return value

    def bury(self, ctx: Context) -> None:
        """Drop a dead task's frames; no code of the guest's runs for it."""
        with hooks.dead():
            if ctx.pinned is not None:
                g, ctx.pinned = ctx.pinned, None
                self._burying = getcurrent()
                g.throw(Buried)
                self._burying = None
            ctx.gen = None
            ctx.world = None
            ctx.error = ctx.value = None
