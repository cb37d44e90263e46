"""What `kos plugins` shows: every plugin there is, what it would do in a machine, what it replaces, its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kos.hooks.tables import OptionTable
from kos.plugin.check import hooks_of
from kos.plugin.choose import source_of
from kos.plugin.find import Plugin, load_shipped, shipped_names
from kos.plugin.load import Active, activate
from kos.plugin.roles import BY_HOOK


@dataclass
class Row:
    """One plugin. state: active; replaced: others have its roles; available: ships with kos, nobody named it."""

    name: str
    state: str
    roles: list[str]
    source: str  #: default, installed, kos.toml, KOS_PLUGINS, given; "" = not named
    origin: str  #: shipped, file, module, installed with ..., object
    path: str
    replaces: list[str]
    hooks: list[str]
    options: list[dict[str, Any]] = field(default_factory=list)
    summary: str = ""


def rows(words: Sequence[object] = (), settings: Mapping[str, str] | None = None) -> list[Row]:
    """Every plugin, as a machine with these words after -p and these settings would have it. Raises UsageError."""
    active = activate(words, settings)
    try:
        return rows_of(active)
    finally:
        active.release()


def rows_of(active: Active) -> list[Row]:
    """Every plugin, as this machine has it."""
    named = [_row(active, plugin) for plugin in active.plugins]
    taken = {row.name for row in named}
    others = [_available(load_shipped(name)) for name in shipped_names() if name not in taken]
    return sorted([*named, *others], key=lambda row: (not row.roles, row.roles, row.state != "active", row.name))


def _row(active: Active, plugin: Plugin) -> Row:
    held = [h for holders in active.holders.values() for h in holders if h.plugin is plugin]
    hooks = active.chosen.hooks[plugin.name]
    return Row(
        name=plugin.name,
        state="active" if active.is_used(plugin) else "replaced",
        roles=[h.role.kind for h in held] or _roles(list(hooks)),
        source=source_of(plugin),
        origin=plugin.origin,
        path=plugin.path,
        replaces=[p.name for h in held for p in h.replaced],
        hooks=list(hooks),
        options=_options(active.chosen.tables[plugin.name], active.chosen.options[plugin.name]),
        summary=plugin.summary(),
    )


def _available(plugin: Plugin) -> Row:
    hooks = hooks_of(plugin)
    table = OptionTable()
    if "kos_options" in hooks:
        hooks["kos_options"](table=table)
    values = {name: option.default for name, option in table.declared.items()}
    options = _options(table, values)
    roles = _roles(list(hooks))
    return Row(plugin.name, "available", roles, "", "shipped", plugin.path, [], list(hooks), options, plugin.summary())


def _roles(hooks: list[str]) -> list[str]:
    return [BY_HOOK[name].kind for name in hooks if name in BY_HOOK]


def _options(table: OptionTable, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": o.name, "value": values[o.name], "default": o.default, "help": o.help, "flag": o.flag}
        for o in table.declared.values()
    ]


def to_json(found: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as plain data."""
    return [asdict(row) for row in found]


def render(found: Sequence[Row]) -> str:
    """The rows as text: by role, active ones marked, with where they come from and what they replace."""
    lines: list[str] = []
    role = None
    width = max((len(row.name) for row in found), default=0)
    for row in found:
        title = ", ".join(row.roles) or "observers and others"
        if title != role:
            lines += ([""] if lines else []) + [f"{title}:"]
            role = title
        mark = {"active": "*", "replaced": "-"}.get(row.state, " ")
        facts = []
        if row.source and (row.source != "default" or row.state != "active"):
            facts.append(row.source if row.origin == "shipped" else f"{row.source}: {row.path or row.origin}")
        if row.replaces:
            facts.append(f"replaces {', '.join(row.replaces)}")
        lines.append(f"  {mark} {row.name:<{width}}  {row.summary}" + (f"  [{'; '.join(facts)}]" if facts else ""))
        for option in row.options:
            changed = "" if option["value"] == option["default"] else f", default {option['default']}"
            lines.append(f"      {row.name}.{option['name']} = {option['value']}{changed}: {option['help']}")
    return "\n".join(lines)
