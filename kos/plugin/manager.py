"""pluggy, with kos' conventions: hooks are found by name, and called plugin by plugin.

Used when there is any plugin beside the shipped defaults. pluggy keeps the register and the order (tryfirst, trylast,
the last one named is asked first); each implementation is then called by itself and not through one hook call,
because every plugin gets options of its own and is blamed by its own name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pluggy

from kos.errors import UsageError
from kos.hooks import spec
from kos.hooks.marker import PROJECT, default_impl
from kos.plugin.check import HOOKS, Hook
from kos.plugin.find import Plugin


class Manager(pluggy.PluginManager):
    """The plugin manager of one machine."""

    def __init__(self) -> None:
        super().__init__(PROJECT)
        self.add_hookspecs(spec)

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
        """Every function of kos/hooks/spec.py whose name begins with kos_ is a hook."""
        if not name.startswith("kos_"):
            return None
        return {"firstresult": False, "historic": False, "warn_on_impl": None, "warn_on_impl_args": None}

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """Functions with a hook's name need no mark (pytest does the same)."""
        function = getattr(plugin, name, None)
        mark = getattr(function, "kos_impl", None)
        if mark is None and (name not in HOOKS or not callable(function)):
            return None
        return default_impl() | (mark or {})


def in_order(plugins: Sequence[Plugin], hooks: dict[str, dict[str, Hook]]) -> dict[str, list[Hook]]:
    """Hook name -> its implementations in the order of asking. hooks: plugin name -> its hooks."""
    manager = Manager()
    for plugin in plugins:
        try:
            manager.register(plugin.body, plugin.name)
        except (ValueError, pluggy.PluginValidationError) as e:
            raise UsageError(f"{plugin}: {str(e).splitlines()[0]}") from None
    return {
        name: [hooks[impl.plugin_name][name] for impl in reversed(getattr(manager.hook, name).get_hookimpls())]
        for name in HOOKS
    }
