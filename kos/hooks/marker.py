"""@hookimpl: marks a function as the implementation of a hook.

The same mark that pluggy.HookimplMarker("kos") leaves, made without importing pluggy (14 ms of the start): a run
without plugins never pays for it. Functions whose name is a hook's are found without the mark too, as pytest does;
the mark is for options and for readers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, overload

F = TypeVar("F", bound=Callable[..., object])
PROJECT = "kos"


@overload
def hookimpl(function: F) -> F: ...
@overload
def hookimpl(*, specname: str | None = None, tryfirst: bool = False, trylast: bool = False) -> Callable[[F], F]: ...


def hookimpl(
    function: F | None = None, *, specname: str | None = None, tryfirst: bool = False, trylast: bool = False
) -> F | Callable[[F], F]:
    """Use as @hookimpl, or @hookimpl(specname="kos_event") where the function has a name of its own.

    tryfirst, trylast: order among several plugins' fault handlers and observers.
    """

    def mark(target: F) -> F:
        target.kos_impl = default_impl() | {  # type: ignore[attr-defined]  # that is what a mark is
            "specname": specname,
            "tryfirst": tryfirst,
            "trylast": trylast,
        }
        return target

    return mark if function is None else mark(function)


def default_impl() -> dict[str, object]:
    """pluggy's HookimplOpts with nothing special asked for."""
    return {
        "wrapper": False,
        "hookwrapper": False,
        "optionalhook": False,
        "tryfirst": False,
        "trylast": False,
        "specname": None,
    }
