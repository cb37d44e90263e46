"""Gathered writes and scattered reads, with every kind of buffer."""

import mmap
import os

r, w = os.pipe()
area = mmap.mmap(-1, 16)
area[:4] = b"mmap"
print(os.writev(w, [b"bytes ", bytearray(b"array "), memoryview(b"xview xx")[1:6], area]))
first, second = bytearray(6), bytearray(11)
into = mmap.mmap(-1, 4)
print(os.readv(r, [first, memoryview(second), into]), first, second, into[:])
os.write(w, b"short")
print(os.readv(r, [into, first]), into[:], first)
os.write(w, area)
print(len(os.read(r, 100)))
os.write(w, memoryview(area)[1:4])
print(os.read(r, 100))
try:
    os.readv(r, [b"readonly"])
except (TypeError, BufferError) as e:
    print(type(e).__name__)
