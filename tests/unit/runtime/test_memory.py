"""Loads and stores of many pages: in what pieces they are copied, and when."""

from __future__ import annotations

import pytest

from kos.hw.tlb import hot
from kos.runtime import memory

PAGE = 4096
BASE = 0x7000 << 12


@pytest.fixture
def frames(monkeypatch):
    """Sixteen frames, and a TLB that knows nothing; map_page(virtual page, frame) fills it."""
    data = bytearray(16 * PAGE)
    monkeypatch.setattr(hot, "mem", memoryview(data))
    monkeypatch.setattr(hot, "read", {})
    monkeypatch.setattr(hot, "write", {})
    hot.has_windows = True
    hot.close_windows()
    yield data
    hot.has_windows = True
    hot.close_windows()


def map_page(page, frame):
    hot.read[(BASE >> 12) + page] = hot.write[(BASE >> 12) + page] = (frame - page) * PAGE - BASE


def test_a_store_and_a_load_go_to_the_frames_however_they_lie(frames):
    for page, frame in enumerate((4, 5, 6, 7, 8, 2, 15, 14)):
        map_page(page, frame)
    data = bytes(k % 251 for k in range(7 * PAGE + 100))

    memory.store(BASE + 50, data)
    loaded = [memory.load(BASE + 50, len(data)) for _ in range(2)]

    assert loaded == [data, data]
    assert frames[2 * PAGE : 3 * PAGE] == data[5 * PAGE - 50 : 6 * PAGE - 50]


def test_a_noted_run_is_forgotten_with_the_translations(frames):
    for page in range(8):
        map_page(page, page)
    frames[:] = bytes([1]) * len(frames)
    before = memory.load(BASE, 8 * PAGE)

    hot.close_windows()
    map_page(3, 12)
    frames[12 * PAGE : 13 * PAGE] = bytes([2]) * PAGE
    after = memory.load(BASE, 8 * PAGE)

    assert set(before) == {1}
    assert after == bytes([1]) * (3 * PAGE) + bytes([2]) * PAGE + bytes([1]) * (4 * PAGE)


def test_pages_before_a_miss_are_loaded_before_it(frames, monkeypatch):
    """The miss serves interrupts: the frames of the pages before it may be another's after that."""
    map_page(0, 0)
    map_page(1, 5)
    frames[:] = bytes([1]) * len(frames)

    def miss(vaddr, access):
        frames[: 6 * PAGE] = bytes([9]) * (6 * PAGE)
        hot.read.clear()
        map_page(2, 8)
        return hot.read[vaddr >> 12]

    monkeypatch.setattr(memory, "miss", miss)

    assert memory.load(BASE, 3 * PAGE) == bytes([1]) * (3 * PAGE)
