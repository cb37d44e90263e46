"""os.fdopen makes text and binary files of descriptors, and closes them."""

import os

r, w = os.pipe()
with os.fdopen(w, "w") as out:
    print("line one", file=out)
    out.write("läne two")
with os.fdopen(r, "rb") as data:
    print(data.read())
try:
    os.close(r)
except OSError as e:
    print(e.strerror)
try:
    os.fdopen("x")
except TypeError as e:
    print(e)
