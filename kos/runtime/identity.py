"""id(): a number that stays an object's own when a task's objects are built anew.

A fork's child, and a task that moves to another CPU, gets its objects at other addresses, while on the host
they stay where they are: `{id(node): node}` is read in the child that the parent has written. So a world
remembers of which objects the number was asked. A snapshot carries those numbers along; an object that comes
to stand where another one was when it was asked gets a number that no object has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kos.runtime.freeze import static
from kos.runtime.world import World, current

_NO_ADDRESS = 1 << 56  #: above every address that a process has


class Identities:
    """The numbers that one world has given out. Only the CPU that runs the world looks at it."""

    __slots__ = ("asked", "moved", "taken")

    def __init__(self) -> None:
        self.asked: set[int] = set()  #: addresses of objects that were asked for and are what they were told
        self.moved: dict[int, int] = {}  #: address -> number, where that is another one
        self.taken: set[int] = set()  #: the numbers of `moved`


def identities_of(world: World) -> Identities:
    """The world's own."""
    if world.identities is None:
        world.identities = Identities()
    found: Identities = world.identities
    return found


def id_(obj: object, /) -> int:
    """Return the identity of an object."""
    known = identities_of(current())
    address = id(obj)
    number = known.moved.get(address)
    if number is None:
        if address not in known.taken:
            known.asked.add(address)
            return address
        number = _NO_ADDRESS + address
        while number in known.taken:
            number += _NO_ADDRESS
        known.moved[address] = number
        known.taken.add(number)
    return number


def carry(world: World, memo: Any) -> list[tuple[int, Any]]:
    """(number, object) of all that were asked for and are in a snapshot; memo: what its pickler has written."""
    known = world.identities
    if known is None:
        return []
    written: Mapping[int, tuple[int, Any]] = memo.copy()
    wanted = [(address, address) for address in known.asked] + list(known.moved.items())
    return [(number, written[address][1]) for address, number in wanted if address in written]


def restore(world: World, carried: list[tuple[int, Any]]) -> None:
    """Let the objects have the numbers that they had."""
    known = identities_of(world)
    for number, obj in carried:
        if id(obj) == number:
            known.asked.add(number)
        else:
            known.moved[id(obj)] = number
            known.taken.add(number)


static.register((restore,))
