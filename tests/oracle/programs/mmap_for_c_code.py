"""C code that takes a buffer reads and writes an mmap."""

import binascii
import hashlib
import mmap
import struct
import zlib

m = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE)
m[:5] = b"hello"
struct.pack_into("<QI", m, 8, 1 << 40, 7)
print(struct.unpack_from("<QI", m, 8), zlib.crc32(m), int.from_bytes(m[:4], "big"), bytes(m)[:6], len(bytearray(m)))
print(hashlib.md5(m).hexdigest(), binascii.hexlify(m)[:10], b"-".join([b"a", m])[:8], b"x" + m[:2])
print(int.from_bytes(m, "little") == int.from_bytes(m[:], "little"))
