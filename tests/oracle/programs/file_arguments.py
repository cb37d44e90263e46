"""What a file's methods take as a size and as data, and how they name what they do not take."""

import collections
import mmap
import os
import re

path = f"/tmp/arguments-{os.getpid()}"
with open(path, "w") as f:
    f.write("hello\nworld\n")


class Index:
    def __index__(self):
        return 2


def attempt(label, call, *args):
    try:
        print(label, call(*args))
    except (OverflowError, TypeError, ValueError) as e:
        print(label, type(e).__name__, e)


MODES = (("rb", -1), ("rb", 0), ("r+b", -1), ("r", -1))
for size in ("x", 1.5, b"a", [1], None, True, -1, 0, Index()):
    label = "index" if isinstance(size, Index) else repr(size)
    for mode, buffering in MODES:
        for name in ("read", "read1", "peek", "readline", "readlines"):
            with open(path, mode, buffering=buffering) as f:
                if hasattr(f, name):
                    attempt(f"{mode} {buffering} {name} {label}", getattr(f, name), size)
with open(path, "rb") as f:
    attempt("large", f.read, 1 << 70)
    attempt("large", f.read1, 1 << 70)
    attempt("large", f.readlines, -(1 << 70))

read_only = mmap.mmap(-1, 5, prot=mmap.PROT_READ)
for value in (collections.deque(), re.compile("x"), Index(), None, read_only, collections.Counter(), 1.5, "text"):
    name = type(value).__name__
    with open(path, "rb") as f, open(path, "rb", buffering=0) as raw:
        attempt(f"{name} readinto", f.readinto, value)
        attempt(f"{name} readinto", raw.readinto, value)
    with open(os.devnull, "wb") as f, open(os.devnull, "wb", buffering=0) as raw, open(os.devnull, "w") as text:
        attempt(f"{name} write", f.write, value)
        attempt(f"{name} write", raw.write, value)
        attempt(f"{name} write", text.write, value)
    attempt(f"{name} os.write", os.write, os.open(os.devnull, os.O_WRONLY), value)
    attempt(f"{name} mmap", mmap.mmap(-1, 100).write, value)
os.unlink(path)
