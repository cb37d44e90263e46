"""weakref.finalize for guests: which finalizers are alive belongs to the process, and at its end they run.

The module keeps them in a table that all tasks of a CPU share; here each world notes its own, so that they are copied
by fork although nothing else may refer to them, and so that the end of one process is not another's.
"""

from __future__ import annotations

import weakref
from typing import Any

from kos.runtime.freeze import static
from kos.runtime.freeze.natives import init_finalize
from kos.runtime.world import current

_KEY = "finalizers"  #: in World.extra: a dict of them in order of their making


def _init(self: Any, obj: Any, func: Any, /, *args: Any, **kwargs: Any) -> None:
    init_finalize(self, obj, func, *args, **kwargs)
    world = current()
    if not world.modules:
        return  # kos's own
    known = world.extra.get(_KEY)
    if known is None:
        known = world.extra[_KEY] = {}
        world.atexit.append((run_all, (), {}))
    if len(known) % 64 == 63:
        for gone in [one for one in known if not one.alive]:
            del known[gone]
    known[self] = None


def run_all() -> None:
    """At the end of a process: those that ask for it, the last made first; then none runs any more."""
    world = current()
    known = world.extra[_KEY]
    while True:
        pending = [one for one in known if one.alive and one.atexit]
        if not pending:
            break
        try:
            pending[-1]()
        except Exception as error:
            world.sys.excepthook(type(error), error, error.__traceback__)
    for one in known:
        one.detach()


_init.__name__, _init.__qualname__ = "__init__", "finalize.__init__"
weakref.finalize.__init__ = _init  # type: ignore[method-assign]  # for the guests' sake
static.register((run_all,))
