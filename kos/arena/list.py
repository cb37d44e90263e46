"""Linked lists by index: an owner has the slots of the first and the last item, each item those of its neighbours.

    children = LinkedList(Process, processes, head="first_child", tail="last_child", next="next_sibling",
                          prev="prev_sibling")
    children.append(parent, child)

0 = none, as in every table. The lock that guards the owner guards the links; an item is in one list of a kind at most,
and who asks must know that it is in it. The methods are made from one text and the fields' names, as dataclasses are:
they run at each wake-up and each switch, and a getattr() by name takes three times as long as an attribute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from kos.arena.layout import Struct
from kos.arena.table import Table

Owner = TypeVar("Owner", bound=Struct)
Item = TypeVar("Item", bound=Struct)

_TEXT = """
def append(owner, item):
    slot, last = item.index, owner.{tail}
    item.{prev} = last
    item.{next} = 0
    if last:
        table[last].{next} = slot
    else:
        owner.{head} = slot
    owner.{tail} = slot

def insert_before(owner, item, successor):
    slot = item.index
    before = table[successor].{prev} if successor else owner.{tail}
    item.{prev} = before
    item.{next} = successor
    if before:
        table[before].{next} = slot
    else:
        owner.{head} = slot
    if successor:
        table[successor].{prev} = slot
    else:
        owner.{tail} = slot

def remove(owner, item):
    before, after = item.{prev}, item.{next}
    if before:
        table[before].{next} = after
    else:
        owner.{head} = after
    if after:
        table[after].{prev} = before
    else:
        owner.{tail} = before
    item.{next} = item.{prev} = 0

def items(owner):
    found = []
    slot = owner.{head}
    while slot:
        item = table[slot]
        found.append(item)
        slot = item.{next}
    return found
"""


class LinkedList(Generic[Owner, Item]):
    """The lists of one kind."""

    __slots__ = ("append", "insert_before", "items", "remove")

    append: Callable[[Owner, Item], None]  #: at the end
    insert_before: Callable[[Owner, Item, int], None]  #: in front of the item in this slot; 0 = at the end
    remove: Callable[[Owner, Item], None]
    items: Callable[[Owner], list[Item]]  #: first to last

    def __init__(self, owner: type[Owner], table: Table[Item], *, head: str, tail: str, next: str, prev: str) -> None:
        """Raises AttributeError where a structure has no such field."""
        for struct, fields in ((owner, (head, tail)), (table.struct, (next, prev))):
            for field in fields:
                getattr(struct, field)
        made: dict[str, Callable[..., object]] = {}
        exec(_TEXT.format(head=head, tail=tail, next=next, prev=prev), {"table": table}, made)
        for name, function in made.items():
            setattr(self, name, function)
