"""kos/platform/host/depth.py: the interpreter's own count of the frames that are left."""

import sys

import pytest

from kos.platform.host import depth


def down(frames, fn):
    return fn() if not frames else down(frames - 1, fn)


@pytest.fixture
def room():
    return depth.remaining()


def test_each_frame_is_one_less(room):
    assert down(1, lambda: room[0]) - down(31, lambda: room[0]) == 30


def test_with_room_a_call_goes_deeper_than_the_limit(room):
    """And not without it; afterwards all is as before."""
    before = room[0]
    deeper = before + 100
    with pytest.raises(RecursionError):
        down(deeper, int)

    assert depth.with_room(room, down, deeper, int) == 0
    assert room[0] == before


def test_nothing_is_begun_where_hardly_anything_is_left(room):
    begun = []

    def at_the_end():
        depth.begin(room, begun.append, 1)

    with pytest.raises(RecursionError):
        down(room[0] - depth.RESERVE, at_the_end)
    assert begun == []


def test_enough_is_two_hundred_and_fifty_six(room):
    enough = depth.enough(room)

    def measure():
        return room[0], bool(enough)

    seen = [down(frames, measure) for frames in range(1, room[0] - 100)]
    assert seen and all(is_enough == (left >= 256) for left, is_enough in seen)


def test_a_higher_limit_is_seen(room):
    limit = sys.getrecursionlimit()
    before = room[0]
    sys.setrecursionlimit(limit + 500)
    try:
        assert room[0] == before + 500
    finally:
        sys.setrecursionlimit(limit)
