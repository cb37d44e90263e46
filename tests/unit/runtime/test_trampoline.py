"""The scheduler's greenlets: a forced safepoint counts for the context that runs, and for no other."""

from __future__ import annotations

import pytest
from greenlet import getcurrent, greenlet

from kos.runtime import trampoline
from kos.runtime.trampoline import Context, Loops


@pytest.fixture(autouse=True)
def no_world(monkeypatch):
    monkeypatch.setattr(trampoline, "switch_to", lambda world: None)


def test_a_context_is_inside_only_while_it_runs():
    """Between traps guest frames move too: while another task's context is restored, nothing is to be suspended."""
    seen = []
    loops = Loops(lambda ctx, trap: None)

    def body():
        for trap in ("first", "second"):
            seen.append(loops.inside)
            yield trap

    ctx = Context(body(), None)
    for trap in ("first", "second"):
        assert loops.run(ctx) == (ctx, trap)
        seen.append(loops.inside)

    assert seen == [True, False, True, False]


def test_a_context_that_suspends_under_c_code_is_not_inside():
    """Its greenlet waits; the scheduler goes on on another one, where the next context may be restored."""
    seen = []
    here = getcurrent()

    def other_loop(ctx, trap):
        seen.append((trap, loops.inside))
        here.switch()

    loops = Loops(other_loop)

    def body():
        loops.suspend("under C")
        yield

    ctx = Context(body(), None)
    # The loop's greenlet has no parent to return to in a machine; here it comes back by itself.
    greenlet(lambda: loops.run(ctx)).switch()

    assert seen == [("under C", False)]
    assert ctx.pinned is not None
