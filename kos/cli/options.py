"""The options that describe a machine: the same for every command that boots one."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from kos.cli.values import geometry, seconds, settings, size, whole
from kos.cli.words import ProgramParser
from kos.errors import UsageError
from kos.machine.config import MachineConfig
from kos.platform.host.files import why_not_writable
from kos.plugin.settings import read_file

if TYPE_CHECKING:
    from kos.plugin.choose import Chosen

_PLUGIN_OPTION = "plugin option "  # how the parsed options of plugins are told from ours


def add_machine_options(parser: ProgramParser) -> None:
    o = parser.option
    o("--cpus", metavar="N", default="2", help="simulated CPUs, each a host process: 1 to 64 (default 2)")
    o("--memory", metavar="SIZE", default="4G", help="simulated memory, 4M to 64G (default 4G); sparse on the host")
    o("--name", metavar="NAME", help="name of the machine, for `kos inspect` (default: made from the process id)")
    o("--log", metavar="FILE", help="write events to FILE, one JSON object a line, in time order")
    o("--log-events", metavar="A,B.*", help="which events are logged (default all; `*` and `?` match)")
    o("--tlb", metavar="EXW", default="1024x4", help="TLB of every CPU: entries x ways (default 1024x4)")
    o("-p", dest="plugins", metavar="PLUGIN", action="append", default=[], help="use a plugin: its name or its file")
    o("--set", dest="settings", metavar="KEY=VALUE", action="append", default=[], help="a setting of kernel or plugin")
    o("-u", dest="unbuffered", action="store_true", help="the program's stdout and stderr are unbuffered")
    o("--stress-context", action="store_true", help="save, drop and restore the context at every suspension point")
    o("--debug-locks", action="store_true", help="check every lock against the lock order")
    o("--timeout", metavar="S", help="end the run after S seconds")
    o("--fail-alloc", metavar="N", default="0", help="every Nth allocation of a frame fails (default 0: none)")


def add_plugin_options(parser: ProgramParser, words: Sequence[str]) -> None:
    """Add the options that the plugins named in `words`, and those that are always there, declare for themselves.

    Plugins are loaded here only if some word is no option of ours: an ordinary run does not pay for it.
    """
    ours = parser.known_options()
    if not any(w in ("-h", "--help") or (w.startswith("--") and w.partition("=")[0] not in ours) for w in words):
        return
    named = [word for flag, word in pairwise(words) if flag == "-p"]
    named += [word[2:] for word in words if word.startswith("-p") and len(word) > 2]
    from kos.plugin.choose import choose

    chosen = choose(named)
    check_flags(ours, chosen)
    for name, table in chosen.tables.items():
        for option in table.declared.values():
            if option.flag:
                dest = f"{_PLUGIN_OPTION}{name}.{option.name}"
                parser.option(option.flag, dest=dest, metavar="VALUE", help=f"{option.help} (plugin {name})")


def check_machine(options: argparse.Namespace) -> None:
    """Refuse what `kos run` would: for commands that start it themselves, many times."""
    config = machine_config(options)
    check_plugins(config.plugins, config.settings)


def check_plugins(words: Sequence[object], given: Mapping[str, str]) -> None:
    """Refuse plugins that cannot be had, and settings that there are not. Without any, nothing is loaded."""
    if words or given:
        from kos.params import Params
        from kos.plugin.load import activate

        activate(words, given, Params()).release()


def check_flags(ours: Iterable[str], chosen: Chosen) -> None:
    """Refuse plugins whose options kos has itself, or that two have, whether the user gives such an option or not."""
    taken = dict.fromkeys(ours, "kos")
    for name, table in chosen.tables.items():
        for option in table.declared.values():
            if option.flag and taken.setdefault(option.flag, name) != name:
                raise UsageError(
                    f"plugin {name!r}, hook kos_options: found option {option.flag}, expected one that "
                    f"{taken[option.flag]} does not have"
                )


def check_writable(path: str) -> None:
    """Better now than when there is something to write."""
    why = why_not_writable(path)
    if why is not None:
        raise UsageError(f"cannot write {path!r}: {why}")


def machine_config(options: argparse.Namespace) -> MachineConfig:
    """The machine that the options ask for; UsageError for one that cannot be had."""
    log_events = None
    if options.log_events is not None:
        from kos.report.select import select_events

        log_events = select_events(options.log_events)
    fail_alloc = whole("--fail-alloc", options.fail_alloc)
    if fail_alloc < 0:
        raise UsageError(f"--fail-alloc {fail_alloc}: 0 for none, or every how many allocations one fails")
    return MachineConfig(
        cpus=whole("--cpus", options.cpus),
        memory=size("--memory", options.memory),
        name=options.name,
        log=options.log,
        log_events=log_events,
        stress_context=options.stress_context,
        plugins=tuple(options.plugins),
        settings=_settings(options),
        tlb=geometry("--tlb", options.tlb),
        debug_locks=options.debug_locks,
        unbuffered=options.unbuffered,
        timeout=None if options.timeout is None else seconds("--timeout", options.timeout),
        fail_alloc=fail_alloc,
    )


def _settings(options: argparse.Namespace) -> dict[str, str]:
    """Of the kernel in kos.toml, then --set, then plugins' own options. (Plugins' settings in kos.toml: kos.plugin.)"""
    in_file = {name: text for name, text in read_file().settings.items() if "." not in name}
    flags = {
        dest.removeprefix(_PLUGIN_OPTION): text
        for dest, text in vars(options).items()
        if dest.startswith(_PLUGIN_OPTION) and text is not None
    }
    return {**in_file, **settings(options.settings), **flags}
