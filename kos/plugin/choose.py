"""Which plugins take part: named, installed and default ones, blocked ones removed, each with its options.

Rules: kos/hooks/spec.py. Nothing here touches a machine; `kos plugins` stops after this.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kos.errors import UsageError
from kos.hooks.tables import Options, OptionTable, Value
from kos.plugin import settings as config
from kos.plugin.check import Hook, hooks_of
from kos.plugin.find import CONFIG, DEFAULT, ENVIRONMENT, GIVEN, SOURCES, Plugin, find, installed, load_shipped
from kos.plugin.roles import ROLES


@dataclass
class Chosen:
    """The plugins of one machine. hooks: by plugin name; order: by hook name, in the order of asking."""

    plugins: list[Plugin]
    hooks: dict[str, dict[str, Hook]]
    order: dict[str, list[Hook]]
    tables: dict[str, OptionTable] = field(default_factory=dict)
    options: dict[str, Options] = field(default_factory=dict)
    kernel_settings: dict[str, str] = field(default_factory=dict)  #: of kos.toml: those without a plugin's name

    def flags(self) -> dict[str, str]:
        """Options of the command line that plugins declare: "--flag" -> "plugin.option"."""
        return {o.flag: f"{name}.{o.name}" for name, t in self.tables.items() for o in t.declared.values() if o.flag}


def choose(words: Sequence[object] = (), settings: Mapping[str, str] | None = None) -> Chosen:
    """Find, check and order the plugins. words: as after -p; settings: as after --set. Raises UsageError."""
    file = config.read_file()
    plugins, blocked = _named([(GIVEN, words), (ENVIRONMENT, config.from_environment()), (CONFIG, file.plugins)])
    if not config.autoload_disabled():
        plugins = _without_twins([*installed(blocked), *plugins])
    taken = {plugin.name for plugin in plugins}
    defaults = [role.default for role in ROLES.values() if role.default and role.default not in blocked | taken]
    plugins = [*(load_shipped(name) for name in defaults), *plugins]
    hooks = {plugin.name: hooks_of(plugin) for plugin in plugins}
    chosen = Chosen(plugins, hooks, _order(plugins, hooks))
    for plugin in plugins:
        chosen.tables[plugin.name] = table = OptionTable()
        if "kos_options" in hooks[plugin.name]:
            hooks[plugin.name]["kos_options"](table=table)
    for key, text in {**file.settings, **(settings or {})}.items():
        if "." not in key:
            chosen.kernel_settings[key] = text
    chosen.options = _options(chosen, file.settings, settings or {})
    return chosen


def _named(sources: Iterable[tuple[int, Sequence[object]]]) -> tuple[list[Plugin], set[str]]:
    """The plugins that somebody named, weakest source first, and the names that are blocked."""
    blocked: dict[str, int] = {}
    found: list[Plugin] = []
    for level, words in sources:
        for word in words:
            if isinstance(word, str) and word.startswith("no:"):
                blocked[os.path.basename(word[3:]).removesuffix(".py")] = level
        found = [
            *(find(w, level) for w in words if not (isinstance(w, str) and w.startswith("no:"))),
            *found,
        ]
    for plugin in found:
        if blocked.get(plugin.name) == plugin.level:
            raise UsageError(f"{plugin} is both wanted and blocked (no:{plugin.name})")
    kept = [p for p in found if p.level > blocked.get(p.name, DEFAULT)]
    return _without_twins(kept), set(blocked)


def _without_twins(plugins: Sequence[Plugin]) -> list[Plugin]:
    """One plugin a name: the same thing named at two places counts as the stronger one; two things are a mistake."""
    kept: dict[str, Plugin] = {}
    for plugin in plugins:
        other = kept.get(plugin.name)
        if other is not None and other.path != plugin.path and other.level == plugin.level:
            raise UsageError(
                f"two plugins are named {plugin.name!r}: found {plugin.path or plugin.origin} and "
                f"{other.path or other.origin}, expected one (rename one, or -p no:{plugin.name})"
            )
        if other is None or plugin.level >= other.level:
            kept[plugin.name] = plugin
    return sorted(kept.values(), key=lambda p: p.level)


def _order(plugins: Sequence[Plugin], hooks: dict[str, dict[str, Hook]]) -> dict[str, list[Hook]]:
    if any(plugin.level > DEFAULT for plugin in plugins):
        from kos.plugin.manager import in_order

        return in_order(plugins, hooks)
    order: dict[str, list[Hook]] = {}  # the shipped defaults alone: pluggy is not needed
    for plugin in plugins:
        for name, hook in hooks[plugin.name].items():
            order.setdefault(name, []).append(hook)
    return order


def _options(chosen: Chosen, in_file: Mapping[str, str], given: Mapping[str, str]) -> dict[str, Options]:
    """The value of every declared option. A setting PLUGIN.OPTION that nobody declared is a mistake."""
    values: dict[str, dict[str, Value]] = {
        name: {o.name: o.default for o in table.declared.values()} for name, table in chosen.tables.items()
    }
    for source, settings in ((config.FILE, in_file), ("--set", given)):
        for key, text in settings.items():
            name, dot, option = key.partition(".")
            if not dot:
                continue
            table = chosen.tables.get(name)
            if table is None:
                if source == config.FILE:
                    continue  # kos.toml may hold options of plugins that this run does not use
                raise UsageError(f"{source} {key}: found plugin {name!r}, expected one in use: {_list(chosen.tables)}")
            if option not in table.declared:
                raise UsageError(
                    f"{source} {key}: plugin {name!r}: found option {option!r}, expected {_list(table.declared)}"
                )
            try:
                values[name][option] = table.declared[option].parse(text)
            except ValueError as e:
                raise UsageError(f"{source} {key}: plugin {name!r}: found {text!r}, expected {e}") from None
    return {name: Options(v) for name, v in values.items()}


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none: it has no options"


def source_of(plugin: Plugin) -> str:
    """Where a plugin was named."""
    return SOURCES[plugin.level]
