"""File objects read straight into a mapping; C code's errors survive a mapping as its buffer."""

import io
import mmap
import os
import struct
import zlib

m = mmap.mmap(-1, 4096)
path = "/tmp/readinto_mapped_memory"
open(path, "wb").write(bytes(range(256)) * 16)  # dropped without close(): written all the same

for buffering in (-1, 0, 64):
    with open(path, "rb", buffering) as f:
        print(f.readinto(memoryview(m)[:20]), m[:22])
        print(f.readinto(m), m[:4], m[-4:])
        for target in (b"abc", None, 5, "text"):
            try:
                print(f.readinto(target))
            except TypeError as e:
                print(e)
with open(path, "r+b") as f:
    print(f.readinto1(memoryview(m)[100:104]), m[98:106])
try:
    open(path).truncate(0)
except io.UnsupportedOperation as e:
    print(e)

read_only = mmap.mmap(-1, 4096, prot=mmap.PROT_READ)
closed = mmap.mmap(-1, 4096)
closed.close()
for call in (
    lambda: struct.pack_into("<Q", m, 4092, 1),
    lambda: struct.pack_into("<B", m, 0, 300),
    lambda: struct.pack_into("<B", read_only, 0, 1),
    lambda: zlib.crc32(m, "x"),
    lambda: zlib.crc32(closed),
    lambda: b"".join([closed]),
    lambda: m * 2,
    lambda: m.__delitem__(slice(0, 2)),
):
    try:
        print(call())
    except (TypeError, ValueError, struct.error) as e:
        print(type(e).__name__, e)
print(next(reversed(m)))
os.unlink(path)
