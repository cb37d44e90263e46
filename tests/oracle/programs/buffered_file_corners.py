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
os.unlink(path)
