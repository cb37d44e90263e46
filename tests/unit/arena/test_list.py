"""Lists by index: what a Python list would hold, in the same order, from both ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kos.arena.layout import Struct, layout, u32
from kos.arena.list import LinkedList
from kos.arena.table import REGISTRY, Table
from kos.params import Params


@layout(size=8)
class Owner(Struct):
    head: u32
    tail: u32


@layout(size=8)
class Item(Struct):
    next: u32
    prev: u32


@pytest.fixture(scope="module")
def items():
    """A table of items in plain memory."""
    table = Table(Item, "test_list_items", 16)
    params = Params(1, 4 << 20, {})
    table.bind(memoryview(bytearray(table.nbytes(params))), params)
    yield table
    del REGISTRY["test_list_items"]


#: (what to do, with which item, in front of which)
STEPS = st.lists(st.tuples(st.sampled_from(("append", "insert", "remove")), st.integers(1, 15), st.integers(0, 15)))


@given(steps=STEPS)
def test_it_holds_what_a_python_list_would(items, steps):
    """Appended, inserted and removed in any order: first to last, and last to first."""
    kind = LinkedList(Owner, items, head="head", tail="tail", next="next", prev="prev")
    owner, model = Owner(), []
    for what, slot, successor in steps:
        if what == "remove" and slot in model:
            kind.remove(owner, items[slot])
            model.remove(slot)
            assert (items[slot].next, items[slot].prev) == (0, 0)
        elif what == "append" and slot not in model:
            kind.append(owner, items[slot])
            model.append(slot)
        elif what == "insert" and slot not in model and successor in (0, *model):
            kind.insert_before(owner, items[slot], successor)
            model.insert(model.index(successor) if successor else len(model), slot)
        assert [item.index for item in kind.items(owner)] == model
    backwards, slot = [], owner.tail
    while slot:
        backwards.append(slot)
        slot = items[slot].prev
    assert backwards == model[::-1]
    for slot in model:
        items[slot].clear()


def test_a_field_that_is_not_there_is_found_at_once(items):
    with pytest.raises(AttributeError, match="first"):
        LinkedList(Owner, items, head="first", tail="tail", next="next", prev="prev")
