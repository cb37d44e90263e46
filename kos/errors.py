"""Whose fault it is: every failure in kos has an owner, and a type. Imports nothing."""

from __future__ import annotations

SHOWN = 300  #: characters of a foreign exception's text that a report shows


class GuestFault(Exception):
    """The guest asked for something it cannot have; it sees OSError(errno).

    errno: positive number as in <errno.h>; filename: for calls that name a path, else None.
    """

    def __init__(self, errno: int, filename: object = None, filename2: object = None) -> None:
        super().__init__(errno, filename, filename2)
        self.errno = errno
        self.filename = filename
        self.filename2 = filename2


class KernelBug(Exception):
    """kos itself broke one of its rules; the machine stops."""


class PluginError(Exception):
    """A plugin broke a rule; the machine stops and names plugin, hook and rule."""

    def __init__(self, plugin: str, hook: str, rule: str) -> None:
        super().__init__(f"plugin {plugin!r}, hook {hook!r}: {rule}")
        self.plugin = plugin
        self.hook = hook
        self.rule = rule


class HostError(Exception):
    """The host cannot give what the machine needs (shared memory, processes)."""


class MachineFailed(Exception):
    """The machine ended by itself: a CPU died, hung or panicked. The text is the report; exit status 70."""


class UsageError(Exception):
    """The user's command cannot be carried out as given: one clear line, exit status 2."""


class MachineStop(BaseException):
    """This CPU was told to stop; nothing but the CPU's main loop catches it."""


def describe(e: BaseException) -> str:
    """An exception of foreign code, in one line: its type and what it says, if it can say anything."""
    try:
        text = " ".join(str(e).split())
    except Exception:
        text = "(it cannot be shown as text)"
    if len(text) > SHOWN:
        text = text[:SHOWN] + " ..."
    return f"{type(e).__name__}: {text}" if text else type(e).__name__
