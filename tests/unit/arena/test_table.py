"""kos/arena/table.py: slots are handed out once, slot 0 never."""

from hypothesis import given
from hypothesis import strategies as st

from kos.arena.layout import Struct, layout, u64
from kos.arena.table import REGISTRY, Column, Region, Segment, Table
from kos.params import Params

PARAMS = Params(cpus=1, memory=4 << 20)


@layout(size=16)
class Item(Struct):
    value: u64
    other: u64


def bound(segment: Segment) -> Segment:
    """Give a segment memory of its own, outside any arena."""
    del REGISTRY[segment.name]
    size = segment.nbytes(PARAMS)
    segment.bind(memoryview(bytearray(size)), PARAMS)
    return segment


def table(capacity: int) -> Table[Item]:
    made = Table(Item, "items of a test", capacity)
    bound(made)
    return made


def test_a_full_table_says_none():
    """Slot 0 means none everywhere, so a table of four has three."""
    t = table(4)
    slots = [item.index for item in (t.alloc(), t.alloc(), t.alloc()) if item]

    assert slots == [1, 2, 3]
    assert t.alloc() is None


def test_a_slot_comes_back_cleared():
    t = table(8)
    item = t.alloc()
    assert item is not None
    item.value = 7
    t.free(item)
    again = t.alloc()

    assert again is item and again.value == 0


@given(st.lists(st.integers(0, 30)))
def test_used_and_free_slots_are_what_a_set_says(steps: list[int]):
    """Any order of alloc and free: no slot twice, none lost."""
    t = table(16)
    held: dict[int, Item] = {}
    for step in steps:
        if held and step % 3 == 0:
            _, item = held.popitem()
            t.free(item)
        elif (item := t.alloc()) is not None:
            assert item.index not in held and 0 < item.index < 16
            held[item.index] = item

        assert {item.index for item in t.used()} == set(held)
        assert t.head.nr_used == len(held)
        assert t.free_slots().isdisjoint(held)


def test_a_column_and_its_numpy_view_are_one_memory():
    column = Column("column of a test", "I", 8)
    bound(column)
    column.v[3] = 5
    column.np[4] = 6

    assert column.v.tolist() == column.np.tolist() == [0, 0, 0, 5, 6, 0, 0, 0]


def test_a_region_knows_its_host_address():
    import ctypes

    region = Region("region of a test", 64)
    bound(region)
    region.buf[0:4] = b"abcd"

    assert ctypes.string_at(region.addr, 4) == b"abcd"
