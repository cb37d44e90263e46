"""The page cache and mappings of it."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from mm_box import Segv

from kos.errors import GuestFault
from kos.mm import pagecache, switch, views
from kos.mm.dup import dup_mm
from kos.mm.filemap import MappedFile
from kos.mm.madvise import MADV_DONTNEED, MADV_REMOVE, do_madvise
from kos.mm.mincore import do_mincore
from kos.mm.mmap import MAP_PRIVATE, MAP_SHARED, do_mmap
from kos.mm.mprotect import do_mprotect
from kos.mm.rmap import users_of
from kos.runtime import memory

P = 4096


def make_file(data: bytes) -> MappedFile:
    m = pagecache.mapping_alloc()
    pagecache.write(m, 0, data)
    return MappedFile(m, True, True)


def test_what_is_written_is_read_back_at_any_place(box: Any) -> None:
    m = pagecache.mapping_alloc()
    for pos in (0, 5, P - 2, 513 * P - 1, 300_000 * P + 7):
        assert pagecache.write(m, pos, b"hello") == 5
        assert pagecache.read(m, pos, 100) == b"hello"
    assert pagecache.read(m, 3 * P, 10) == bytes(10)
    assert (m.height, box.audit()) == (3, [])
    pagecache.truncate(m, 7)
    assert pagecache.read(m, 0, 100) == b"hellohe"[:5] + b"he"
    pagecache.put_mapping(m)


def test_shared_mappings_are_the_file_and_private_ones_are_not(box: Any) -> None:
    file = make_file(b"file" * 1024 + b"more" * 1024)
    mm = box.new_mm()
    shared = do_mmap(mm, 0, 2 * P, 3, MAP_SHARED, file)
    private = do_mmap(mm, 0, 2 * P, 3, MAP_PRIVATE, file)
    assert memory.load(private, 8) == b"filefile"
    memory.store(private, b"mine")
    memory.store(shared + P, b"ours")
    assert pagecache.read(file.mapping, 0, 4) == b"file"
    assert pagecache.read(file.mapping, P, 4) == b"ours"
    assert memory.load(private + P, 4) == b"ours"
    do_madvise(mm, private, 2 * P, MADV_DONTNEED)
    assert memory.load(private, 4) == b"file"
    child = dup_mm(mm)
    memory.store(private + P, b"priv")
    memory.store(shared, b"both")
    switch.load_mm(child)
    assert memory.load(shared, 4) == b"both"
    assert memory.load(private + P, 4) == b"ours"
    assert box.audit() == []
    pfn = views.page_view(child, shared).pfn
    assert {(m.index, a) for m, a in users_of(pfn)} >= {(mm.index, shared), (child.index, shared)}
    box.drop(mm, child)
    assert pagecache.read(file.mapping, 0, 4) == b"both"
    pagecache.put_mapping(file.mapping)


def test_truncation_unmaps_and_the_tail_becomes_zeros(box: Any) -> None:
    file = make_file(b"A" * 4 * P)
    mm = box.new_mm()
    a = do_mmap(mm, 0, 4 * P, 3, MAP_SHARED, file)
    assert [memory.load8(a + i * P) for i in range(4)] == [65] * 4
    pagecache.truncate(file.mapping, P + 100)
    assert [memory.load8(a + x) for x in (0, P + 99, P + 100)] == [65, 65, 0]
    for bad in (2 * P, 4 * P - 1):
        with pytest.raises(Segv) as e:
            memory.load8(a + bad)
        assert e.value.args[1] == 7
    file.mapping.size = 4 * P
    assert [memory.load8(a + x) for x in (P + 99, P + 100, 2 * P, 4 * P - 1)] == [65, 0, 0, 0]
    do_madvise(mm, a, P, MADV_REMOVE)
    assert memory.load8(a) == 0
    assert do_mincore(mm, a, 4 * P) == b"\1\1\1\1"
    box.drop(mm)
    pagecache.put_mapping(file.mapping)


def test_a_file_lives_on_while_it_is_mapped(box: Any) -> None:
    file = make_file(b"still here")
    mm = box.new_mm()
    a = do_mmap(mm, 0, 10, 1, MAP_PRIVATE, file)
    pagecache.put_mapping(file.mapping)
    assert memory.load(a, 10) == b"still here"
    with pytest.raises(Segv):
        memory.store8(a, 1)
    box.drop(mm)


def test_rights_to_a_shared_mapping_follow_how_the_file_was_opened(box: Any) -> None:
    file = make_file(b"x")
    read_only = MappedFile(file.mapping, True, False)
    mm = box.new_mm()
    with pytest.raises(GuestFault) as e:
        do_mmap(mm, 0, P, 3, MAP_SHARED, read_only)
    assert e.value.errno == errno.EACCES
    a = do_mmap(mm, 0, P, 1, MAP_SHARED, read_only)
    with pytest.raises(GuestFault) as e:
        do_mprotect(mm, a, P, 3)
    assert e.value.errno == errno.EACCES
    box.drop(mm)
    pagecache.put_mapping(file.mapping)
