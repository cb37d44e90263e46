"""memoryview of an mmap, cast to several dimensions: items, slices, what is refused; seen by a child, too."""

import copy
import mmap
import os
import zlib

m = mmap.mmap(-1, 64)
m[:] = bytes(range(64))
v = memoryview(m)


def attempt(label, call, *args):
    try:
        print(label, call(*args))
    except (AttributeError, IndexError, NotImplementedError, TypeError, ValueError) as e:
        print(label, type(e).__name__, e)


grid, cube, words = v.cast("B", (8, 8)), v.cast("B", shape=[2, 4, 8]), v.cast("I", (4, 4))
print(
    grid[1, 2],
    cube[1, 2, 3],
    words[3, 3],
    grid[-1, -1],
    grid.shape,
    words.strides,
    cube.ndim,
    words.itemsize,
    len(cube),
)
print(words.tolist(), grid[2:4].tolist(), grid[::-4].tobytes().hex(), grid[3:3].tolist(), grid[1:3].shape)
grid[7, 7], words[0, 1] = 200, 0x01020304
print(m[63], m[4:8], grid.cast("B")[5], grid == v.cast("B", (8, 8)), grid == v, grid.hex()[:8], zlib.crc32(grid))
print(
    grid.c_contiguous, grid.f_contiguous, grid.contiguous, grid[::2].contiguous, grid.nbytes, grid.toreadonly().readonly
)
nothing = v[5:6].cast("B", ())
nothing[()] = 9
print(nothing.shape, nothing[()], nothing.tolist(), memoryview(nothing).ndim, m[5])
for key in (0, slice(0, 2), (8, 0), (1,), (1, 1, 1), "a", (), ..., (0, "a"), (slice(0, 1), 0)):
    attempt(f"set {key}", grid.__setitem__, key, 1)
    if type(key) is not slice:
        attempt(f"get {key}", grid.__getitem__, key)
        attempt(f"flat {key}", v.__getitem__, key)
    attempt(f"flat set {key}", v.__setitem__, key, 1)
for shape in ((3, 3), (-8, -8), (0,), "ab", ("a",), (1.0, 64), 64, [64], (16,)):
    attempt(f"cast {shape}", lambda shape: v.cast("B", shape).shape, shape)
for form in ("x", "<B", "", None, 5, "BB"):
    attempt(f"cast {form}", lambda form: v.cast(form).format, form)
attempt("twice", lambda: grid.cast("B", (4, 16)))
attempt("half", lambda: grid[::2].cast("B"))
for piece in (v[5:5:3], v[5:6:3], v[::3]):
    print(piece.contiguous, len(piece))
    attempt("find", m.find, piece)
    attempt("cast", lambda piece: piece.cast("H").shape, piece[:0])
attempt("iterate", lambda: list(grid))
attempt("hash", lambda: hash(words.toreadonly()))
attempt("hash", lambda: hash(v))
attempt("order", lambda: v.tobytes("X"))
attempt("copy", lambda: copy.copy(v))
attempt("attribute", lambda: setattr(v, "readonly", 1))
attempt("class", lambda: setattr(memoryview, "x", 1))
attempt("class", lambda: setattr(type(v), "x", 1))
attempt("none", lambda: memoryview())
attempt("two", lambda: memoryview(1, 2))
attempt("keyword", lambda: memoryview(object=m)[3])
print(type(v), memoryview, v.cast("d").tolist() == words.cast("B").cast("d").tolist())
pid = os.fork()
if pid == 0:
    grid[0, 0] = 77
    print(grid[0, 0], cube[0, 0, 0], m[0], len(words), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print(m[0])
del nothing
for view in (grid, cube, words, v):
    view.release()
attempt("released", lambda: grid[0, 0])
m.close()
