"""Looking at processes from outside: their children, names and private memory (for `kos bench`)."""

from __future__ import annotations

import os


def children_of(pid: int) -> dict[int, str]:
    """pid -> name of every child of a process."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as f:
                head, _, tail = f.read().rpartition(b")")
        except OSError:
            continue  # it has ended meanwhile
        if int(tail.split()[1]) == pid:
            found[int(entry)] = head.partition(b"(")[2].decode("ascii", "replace")
    return found


def private_bytes(pid: int) -> int:
    """Resident memory that is the process's own: not files, not shared memory. 0: it is gone."""
    try:
        with open(f"/proc/{pid}/status") as f:
            for line in f:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0


def block_bytes(name: str) -> int:
    """Host memory that a shared-memory block takes."""
    return os.stat(f"/dev/shm/{name}").st_blocks * 512
