"""A key-value store that saves itself while it is being written, as Redis does with BGSAVE.

Look for: the forked child writes out the table as it was at the fork, consistent to the last byte, while the parent
goes on changing it; no lock is taken and nothing is copied but the pages that the parent writes meanwhile. The summary
of `kos run snapshot_store` shows those copies. Usage: snapshot_store [MEGABYTES] [UPDATES]
"""

import os
import sys
import zlib

from kos import guest

PAGE = guest.PAGE_SIZE


def set_record(table: int, key: int, version: int) -> None:
    """A record is one page: its key, its version, and a pattern of both."""
    at = table + key * PAGE
    guest.store64(at, key)
    guest.store64(at + 8, version)
    guest.store(at + 16, bytes([key & 0xFF, version & 0xFF]) * 100)


def checksum(table: int, keys: int) -> int:
    value = 0
    for key in range(keys):
        value = zlib.crc32(guest.load(table + key * PAGE, 256), value)
    return value


def save(table: int, keys: int, path: str) -> int:
    """Write all records to a file; how many bytes."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    total = 0
    for key in range(keys):
        total += guest.write(fd, table + key * PAGE, PAGE)  # the kernel reads the page, not Python
    os.close(fd)
    return total


def main() -> int:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    updates = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    keys = megabytes * (1 << 20) // PAGE
    table = guest.mmap(0, keys * PAGE, guest.PROT_READ | guest.PROT_WRITE, guest.MAP_PRIVATE | guest.MAP_ANONYMOUS)
    for key in range(keys):
        set_record(table, key, 1)
    before = checksum(table, keys)
    print("store:", keys, "records,", megabytes, "MB")

    path = f"/tmp/snapshot-{os.getpid()}.rdb"
    done_r, done_w = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(done_r)
        saved = save(table, keys, path)
        os._exit(0 if saved == keys * PAGE else 1)
    os.close(done_w)

    for i in range(updates):
        set_record(table, i * 17 % keys, 2)
    after = checksum(table, keys)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print("child saved:", status == 0, "- the parent made", updates, "updates meanwhile")

    on_disk = 0
    with open(path, "rb") as f:
        versions = set()
        for _ in range(keys):
            record = f.read(PAGE)
            versions.add(record[8])
            on_disk = zlib.crc32(record[:256], on_disk)
    os.unlink(path)
    print("versions in the snapshot:", sorted(versions))
    print("snapshot is the table at the fork:", on_disk == before)
    print("the live table has moved on:", after != before)
    return 0 if on_disk == before else 1


if __name__ == "__main__":
    sys.exit(main())
