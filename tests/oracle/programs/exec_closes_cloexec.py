#!/usr/bin/env python3
"""Over exec a descriptor stays open if it is inheritable, and only then."""

import os
import sys

if len(sys.argv) > 1:
    out = []
    for word in sys.argv[1:]:
        try:
            os.fstat(int(word))
            out.append("open")
        except OSError as e:
            out.append(e.strerror)
    print(out, flush=True)
    os._exit(0)
r, w = os.pipe()
kept = os.dup(r)
os.set_inheritable(kept, True)
placed = os.dup2(w, 50)
hidden = os.dup2(w, 51, inheritable=False)
print([os.get_inheritable(fd) for fd in (r, w, kept, placed, hidden)], flush=True)
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[0], [sys.argv[0], *(str(fd) for fd in (r, w, kept, placed, hidden))])
print(os.waitpid(pid, 0)[1])
