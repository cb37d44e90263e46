"""Hashes that a guest's own `__hash__` gave: a load puts keys into their dicts and sets and asks no guest.

A dict is filled as soon as it is read, when most of what a guest's method may look at is not there yet; and asking
once more would be seen by a `__hash__` that counts or prints. So a world remembers what `__hash__` last said of an
object: who is a key has been asked since it was made, whatever stood at its address before. A snapshot carries
those numbers along, and until all is loaded they are what the object's class answers. A `__hash__` that calls
nothing is not seen being called, and is asked when the snapshot is written.

Until then the class's `__eq__` is that of object, too: no two keys of one dict are equal.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from kos.compiler import units
from kos.runtime.freeze import static
from kos.runtime.world import World, running

#: The numbers of the world that is being loaded, by address.
_loading: list[dict[int, int]] = [{}]


def note(one: Any, code: object, value: Any) -> Any:
    """`__hash__` with that code was called by C code for `one`, and returned `value`."""
    own = _own(one)
    if type(own) is FunctionType and own.__code__ is code and isinstance(value, int):
        running[0].hashes[id(one)] = int(value)
    return value


def is_known(function: object) -> bool:
    """Whether what the `__hash__` returned can be told without calling it when all is loaded."""
    info = units.by_stub.get(id(function.__code__)) if type(function) is FunctionType else None
    return info is not None and (info.fast is None or info.name == "__hash__")


def _own(one: Any) -> Any:
    return type.__getattribute__(type(one), "__hash__")  # past the metaclass's


def number_of(world: World, one: Any) -> int | None:
    """What an object's own `__hash__` said of it; None: nobody has asked, or it is not known."""
    function = _own(one)
    if not is_known(function):
        return None
    if units.by_stub[id(function.__code__)].fast is not None:
        return world.hashes.get(id(one))
    try:
        value = function(one)
    except Exception:
        return None  # so it is nobody's key
    return int(value) if isinstance(value, int) else None


def begin(world: World) -> None:
    """Objects of that world are being loaded."""
    _loading[0] = world.hashes


def set_number(one: Any, number: int) -> None:
    """What is known of an object that is being loaded."""
    _loading[0][id(one)] = number


def known(one: Any) -> int:
    """Stands for `__hash__` until all is loaded. Who became a key when its class had none went by its address."""
    number = _loading[0].get(id(one))
    return object.__hash__(one) if number is None else number


static.register((set_number,))
