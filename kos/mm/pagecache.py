"""The page cache: pages of files and of shared anonymous memory, by index, in frames.

The index is a radix tree like the page tables: nodes are frames of 512 words, each the frame of a lower node or,
at the bottom, of a page. At height 0 the root is page 0 itself (Linux: xarray). A Mapping is referred to by its
inode or memfd and by every VMA that maps it: so a file that was unlinked and closed lives on while it is mapped,
and no file needs to be referenced under the mm lock.

Truncation sets the size first, under the mapping lock; a fault that comes later finds the page past the end
(SIGBUS). Then every address space that maps the file is zapped, until no page past the end is mapped; only then
do the pages leave the cache.
"""

from __future__ import annotations

import errno

import numpy as np

from kos.errors import GuestFault, KernelBug
from kos.hw.phys import ZEROS, frames, table_view
from kos.hw.relax import relax
from kos.mm.limits import uncharge
from kos.mm.page import map_page
from kos.mm.page import put_page as put_frame
from kos.mm.page_alloc import alloc_page, free_pages
from kos.mm.rmap import unmap_mapping_range
from kos.mm.structs import (
    PG_CACHE,
    PG_TABLE,
    PG_USED,
    Mapping,
    frame_lock,
    mapping_lock,
    mappings,
    mms_lock,
    page_flags,
    page_index,
    page_mapcount,
    page_mapping,
    page_refcount,
    totals,
)
from kos.params import PAGE_SIZE

MAX_PAGES = 1 << 36  #: height 4


def mapping_alloc(flags: int = 0) -> Mapping:
    """An empty page cache with one reference. Raises GuestFault(ENFILE)."""
    with mms_lock:
        m = mappings.alloc()
        if m is None:
            raise GuestFault(errno.ENFILE)
        totals.s.next_mapping += 1
        m.seq = totals.s.next_mapping
        m.refs = 1
        m.flags = flags
    return m


def get_mapping(m: Mapping) -> Mapping:
    """One more reference."""
    with mms_lock:
        m.refs += 1
    return m


def put_mapping(m: Mapping) -> None:
    """A reference less; the last one frees the pages."""
    with mms_lock:
        if not m.refs:
            raise KernelBug(f"mapping {m.index} put that nobody holds")
        m.refs -= 1
        if m.refs:
            return
    with mapping_lock(m):
        m.size = 0
        _drop(m, 0, MAX_PAGES)
    uncharge(m.charged)
    m.charged = 0
    with mms_lock:
        mappings.free(m)


# --- the index ----------------------------------------------------------------------------------------------


def _reach(height: int) -> int:
    """Pages that an index of this height can hold."""
    return 1 << 9 * height


def find_page(m: Mapping, index: int) -> int:
    """Frame of a page, or 0: not in the cache. Mapping lock held, where the answer is used."""
    if not m.root or index >= _reach(m.height):
        return 0
    pfn = m.root
    for level in range(m.height - 1, -1, -1):
        pfn = frames.mem64[(pfn << 9) + (index >> 9 * level & 511)]
        if not pfn:
            return 0
    return pfn


def _new_node(m: Mapping) -> int:
    pfn = alloc_page()
    if not pfn:
        raise GuestFault(errno.ENOMEM)
    page_flags.v[pfn] = PG_USED | PG_TABLE
    m.nr_nodes += 1
    return pfn


def get_page(m: Mapping, index: int) -> int:
    """Frame of a page, made (zeroed) where missing; mapping lock held. GuestFault(ENOMEM), EFBIG.

    The caller's use lasts as long as it holds the lock, or takes a reference of its own.
    """
    found = find_page(m, index)
    if found:
        return found
    if index >= MAX_PAGES:
        raise GuestFault(errno.EFBIG)
    while index >= _reach(m.height):
        if m.root:
            top = _new_node(m)
            frames.mem64[top << 9] = m.root
            m.root = top
        m.height += 1
    words = frames.mem64
    node = m.root
    if m.height and not node:
        node = m.root = _new_node(m)
    for level in range(m.height - 1, 0, -1):
        at = (node << 9) + (index >> 9 * level & 511)
        node = words[at]
        if not node:
            node = words[at] = _new_node(m)
    pfn = alloc_page()
    if not pfn:
        raise GuestFault(errno.ENOMEM)
    page_flags.v[pfn] = PG_USED | PG_CACHE
    page_mapping.v[pfn] = m.index
    page_index.v[pfn] = index
    if m.height:
        words[(node << 9) + (index & 511)] = pfn
    else:
        m.root = pfn
    m.nr_pages += 1
    return pfn


def pages_of(m: Mapping) -> list[tuple[int, int]]:
    """(index, frame) of every page in the cache, lowest first; mapping lock held."""
    return _collect(m.root, m.height, 0) if m.root else []


def _collect(node: int, height: int, base: int) -> list[tuple[int, int]]:
    if not height:
        return [(base, node)]
    view = table_view(node)
    found: list[tuple[int, int]] = []
    for k in np.flatnonzero(view).tolist():
        found += _collect(int(view[k]), height - 1, (base << 9) + k)
    return found


def nodes_of(m: Mapping) -> list[int]:
    """Frames that hold the index."""
    level = [m.root] if m.root else []
    found: list[int] = []
    for _ in range(m.height):
        found += level
        lower: list[int] = []
        for node in level:
            view = table_view(node)
            lower += view[np.flatnonzero(view)].tolist()
        level = lower
    return found


def _drop(m: Mapping, first: int, last: int) -> None:
    """Take pages first..last-1 out of the cache, none of them mapped; mapping lock held."""
    pages = pages_of(m)
    doomed = [(i, pfn) for i, pfn in pages if first <= i < last]
    if len(doomed) == len(pages):
        nodes = nodes_of(m)
        m.root = m.height = m.nr_nodes = 0
        for pfn in nodes:
            page_refcount.v[pfn] = 0
        free_pages(nodes)
    else:
        for index, _ in doomed:
            _clear_slot(m, index)
    m.nr_pages -= len(doomed)
    for _, pfn in doomed:
        put_frame(pfn)


def _clear_slot(m: Mapping, index: int) -> None:
    node = m.root
    for level in range(m.height - 1, 0, -1):
        node = frames.mem64[(node << 9) + (index >> 9 * level & 511)]
    frames.mem64[(node << 9) + (index & 511)] = 0


# --- contents -----------------------------------------------------------------------------------------------


def read(m: Mapping, pos: int, n: int, size: int | None = None) -> bytes:
    """Up to n bytes from pos, not past `size` (the file's own where None); holes read as zeros."""
    with mapping_lock(m):
        end = min(pos + n, m.size if size is None else size)
        parts = []
        while pos < end:
            offset = pos & PAGE_SIZE - 1
            chunk = min(PAGE_SIZE - offset, end - pos)
            pfn = find_page(m, pos >> 12)
            at = (pfn << 12) + offset
            parts.append(bytes(frames.mem[at : at + chunk]) if pfn else ZEROS[:chunk])
            pos += chunk
    return parts[0] if len(parts) == 1 else b"".join(parts)


def write(m: Mapping, pos: int, data: bytes | memoryview) -> int:
    """Store data at pos and grow the size to its end; returns bytes stored, fewer where memory ran out.

    Raises GuestFault(ENOSPC) if not a single byte could be stored.
    """
    view = memoryview(data)
    done = 0
    with mapping_lock(m):
        if pos > m.size and done < len(view):
            _clear_tail(m)
        while done < len(view):
            offset = pos & PAGE_SIZE - 1
            chunk = min(PAGE_SIZE - offset, len(view) - done)
            try:
                pfn = get_page(m, pos >> 12)
            except GuestFault as e:
                if not done:
                    raise GuestFault(errno.ENOSPC if e.errno == errno.ENOMEM else e.errno) from None
                break
            at = (pfn << 12) + offset
            frames.mem[at : at + chunk] = view[done : done + chunk]
            pos += chunk
            done += chunk
            if pos > m.size:
                m.size = pos
    return done


def truncate(m: Mapping, size: int) -> None:
    """Set the size; pages past the end leave every address space and then the cache. No lock held but fs'.

    The file system holds its lock of the inode, so that nobody writes meanwhile. What lies between the new end
    and the end of its page becomes zeros, so that growing again shows none of it.
    """
    with mapping_lock(m):
        old = m.size
        if size > old:
            _clear_tail(m)  # who maps the file may have stored there
        m.size = size
    if size >= old:
        return
    _evict(m, size + PAGE_SIZE - 1 >> 12, MAX_PAGES)
    with mapping_lock(m):
        _clear_tail(m)


def _clear_tail(m: Mapping) -> None:
    """Zeros from the end of the file to the end of its page; mapping lock held."""
    tail = m.size & PAGE_SIZE - 1
    pfn = find_page(m, m.size >> 12) if tail else 0
    if pfn:
        at = (pfn << 12) + tail
        frames.mem[at : at + PAGE_SIZE - tail] = ZEROS[tail:]


def punch_hole(m: Mapping, first: int, last: int) -> None:
    """Pages first..last-1 read as zeros from now on, for everybody (MADV_REMOVE). No lock held but fs'."""
    _evict(m, first, last)


def _evict(m: Mapping, first: int, last: int) -> None:
    """Unmap pages first..last-1 everywhere, and take them out of the cache once nobody maps them."""
    while True:
        unmap_mapping_range(m, first, last)
        with mapping_lock(m):
            doomed = [pfn for i, pfn in pages_of(m) if first <= i < last]
            with frame_lock:
                is_mapped = any(page_mapcount.v[pfn] for pfn in doomed)
            if not is_mapped:
                _drop(m, first, last)
                return
        relax()  # a fork that had read the old entries is copying them; the next round takes the copies


def map_for_fault(m: Mapping, index: int) -> int:
    """Frame of a page with a reference and a mapping taken for the entry about to be set.

    0: past the end of the file (SIGBUS). Raises GuestFault(ENOMEM). mm lock held.
    """
    with mapping_lock(m):
        if index >= m.size + PAGE_SIZE - 1 >> 12:
            return 0
        pfn = get_page(m, index)
        map_page(pfn)
    return pfn


def map_if_cached(m: Mapping, index: int) -> int:
    """The same for a page that is in the cache already; 0: it is not. mm lock held. For fault-around."""
    with mapping_lock(m):
        pfn = find_page(m, index) if index < m.size + PAGE_SIZE - 1 >> 12 else 0
        if pfn:
            map_page(pfn)
    return pfn


def peek(m: Mapping, index: int) -> tuple[bool, bytes]:
    """(within the file, contents of the page): what a private write copies. mm lock held."""
    with mapping_lock(m):
        if index >= m.size + PAGE_SIZE - 1 >> 12:
            return False, b""
        pfn = find_page(m, index)
        return True, bytes(frames.mem[pfn << 12 : (pfn << 12) + PAGE_SIZE]) if pfn else ZEROS
