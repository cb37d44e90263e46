"""Buffered files: dropped without close(), detached, not seekable, lines up to a hint."""

import io
import os
from functools import partial

path = "/tmp/buffered_file_corners"


def attempt(name, call):
    try:
        print(name, repr(call()))
    except (OSError, ValueError) as e:
        print(name, type(e).__name__, e)


def leave(mode, data):
    file = open(path, mode)
    file.write(data)


for mode, data in (("w", "text"), ("wb", b"bytes"), ("r+b", b"RW"), ("a", "!"), ("ab", b"?")):
    leave(mode, data)
    attempt(mode, lambda: open(path, "rb").read())
attempt("in one expression", lambda: (open(path, "wb").write(b"l1\nl22\nl3"), open(path, "rb").readlines()))
for file in (open(path), open(path, "rb")):
    for hint in (1, 3, 4, 7, 100):
        file.seek(0)
        attempt(f"hint {hint}", partial(file.readlines, hint))
file = open(path, "rb")
number = file.fileno()
del file
attempt("closed when dropped", lambda: os.fstat(number))
file = open(path, "wb")
raw = file.detach()
attempt("detached", lambda: file.write(b"x"))
raw.close()
r, w = os.pipe()
reader, writer = os.fdopen(r, "rb"), os.fdopen(w, "wb")
attempt("seek", lambda: reader.seek(0))
attempt("seek for writing", lambda: writer.seek(0))
attempt("tell", reader.tell)
attempt("whence", lambda: open(path, "rb").seek(0, 9))
writer.close()
attempt("seek closed", lambda: writer.seek(0))
attempt("negative", lambda: open(path, "rb").read(-2))
attempt("text on a pipe", lambda: io.TextIOWrapper(reader).seek(0))

# A line of at most n bytes, wherever the buffer ends; what was read ahead is forgotten where the file is cut.
LINES = b"first line\nsecond\nthird\n" * 3
for size in (2, 3, 7, 100, -1):
    with open(path, "wb") as file:
        file.write(LINES)
    with open(path, "rb", size) as file:
        print([file.readline(n) for n in (3, 1, 5, 100, 0, 2, 4, 30, 8)])
    with open(path, "r+b", size) as file:
        print(file.read(5), file.truncate(20), file.tell(), file.read(), file.tell())
        print(file.seek(3), file.readline(2), file.truncate(), file.read(), os.path.getsize(path))
        print(file.write(b"zz\nyy\n"), file.seek(0), file.readlines(3), file.readline(1))
for mode, size in (("rb", 0), ("rb", -1), ("r", -1), ("wb", 0), ("wb", -1), ("w", -1), ("r+b", -1)):
    file = open(path, mode, size)
    file.close()
    for name in ("flush", "readline", "readlines", "writelines", "seekable", "detach", "__enter__", "__next__"):
        if hasattr(file, name):
            attempt((mode, name), partial(getattr(file, name), *(([],) if name == "writelines" else ())))
os.unlink(path)
