"""The options that describe a machine: the same for every command that boots one."""

from __future__ import annotations

import argparse

from kos.cli.values import geometry, seconds, settings, size, whole
from kos.cli.words import ProgramParser
from kos.errors import UsageError
from kos.machine.config import MachineConfig


def add_machine_options(parser: ProgramParser) -> None:
    o = parser.option
    o("--cpus", metavar="N", default="2", help="simulated CPUs, each a host process: 1 to 64 (default 2)")
    o("--memory", metavar="SIZE", default="64M", help="simulated memory, 4M to 64G (default 64M); sparse on the host")
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
        settings=settings(options.settings),
        tlb=geometry("--tlb", options.tlb),
        debug_locks=options.debug_locks,
        unbuffered=options.unbuffered,
        timeout=None if options.timeout is None else seconds("--timeout", options.timeout),
        fail_alloc=fail_alloc,
    )
