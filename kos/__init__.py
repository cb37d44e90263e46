"""kos: an emulator of a small SMP Unix whose subject is memory."""

TYPE_CHECKING = False  # not from typing: `from kos import guest` in a plain script must cost nothing
if TYPE_CHECKING:
    from kos.machine.client import Machine as Machine
    from kos.machine.result import Result as Result

_LAZY = {"Machine": "kos.machine.client", "Result": "kos.machine.result"}


def __getattr__(name: str) -> object:
    """Machine and Result, when they are asked for."""
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'kos' has no attribute {name!r}")
