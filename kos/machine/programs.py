"""Where what ships with kos lies: the guest programs and the policies, installed or in a checkout."""

from __future__ import annotations

import os
from importlib.util import find_spec

from kos.errors import UsageError


def guests_folder() -> str:
    """The folder of the guest programs that are known by name."""
    return _folder("kos_guests", "guests")


def plugins_folder() -> str:
    """The folder of the policies."""
    return _folder("kos_plugins", "plugins")


def modules(folder: str) -> list[tuple[str, str]]:
    """(name, path) of every public module in a folder, sorted by name."""
    names = sorted(n for n in os.listdir(folder) if n.endswith(".py") and not n.startswith("_"))
    return [(n.removesuffix(".py"), os.path.join(folder, n)) for n in names]


def _folder(package: str, in_checkout: str) -> str:
    spec = find_spec(package)
    if spec is not None and spec.submodule_search_locations:
        return os.path.abspath(next(iter(spec.submodule_search_locations)))
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folder = os.path.join(root, in_checkout)
    if not os.path.isdir(folder):
        raise UsageError(f"this installation of kos is incomplete: the package {package} is missing")
    return folder
