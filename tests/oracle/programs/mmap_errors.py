"""What mmap.mmap refuses, and how."""

import mmap
import os

r, w = os.pipe()
path = f"/tmp/me-{os.getpid()}"
open(path, "w").close()
fd = os.open(path, os.O_RDWR)
for kwargs in (
    {"fileno": -1, "length": 0},
    {"fileno": -1, "length": -1},
    {"fileno": 99, "length": 10},
    {"fileno": r, "length": 10},
    {"fileno": fd, "length": 0},
    {"fileno": fd, "length": 5},
    {"fileno": -1, "length": "x"},
    {"fileno": -1, "length": 10, "access": 7},
    {"fileno": -1, "length": 10, "prot": 1, "access": 1},
    {"fileno": -1, "length": 10, "offset": -1},
    {"fileno": -1, "length": 1 << 60},
):
    try:
        mmap.mmap(**kwargs)
        print("made")
    except (OSError, ValueError, TypeError, OverflowError) as e:
        print(type(e).__name__, e)
os.unlink(path)
