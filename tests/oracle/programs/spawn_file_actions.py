#!/usr/bin/env python3
"""posix_spawn opens, closes and duplicates descriptors in the child, in order, and leaves the parent's alone."""

import os
import sys

if len(sys.argv) > 1:
    print("child writes", sys.argv[1:], os.read(0, 5), flush=True)
    try:
        os.fstat(60)
    except OSError as e:
        print(e.strerror, flush=True)
    sys.exit(3)
path = f"/tmp/spawn-{os.getpid()}"
os.dup2(1, 60)
r, w = os.pipe()
os.write(w, b"input")
pid = os.posix_spawn(
    sys.argv[0],
    [sys.argv[0], "a", "b"],
    os.environ,
    file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, path, os.O_WRONLY | os.O_CREAT, 0o600),
        (os.POSIX_SPAWN_DUP2, r, 0),
        (os.POSIX_SPAWN_CLOSE, 60),
    ],
)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), os.fstat(60).st_mode == os.fstat(1).st_mode)
with open(path) as f:
    print(f.read().splitlines())
os.unlink(path)
try:
    os.posix_spawn(
        sys.argv[0],
        [sys.argv[0], "x"],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/tmp/no/such/file", os.O_RDONLY, 0)],
    )
except FileNotFoundError as e:
    print("open failed in the child:", e.filename == sys.argv[0])
for action in ((os.POSIX_SPAWN_CLOSE, -1), (os.POSIX_SPAWN_DUP2, 1, -2), (os.POSIX_SPAWN_OPEN, -1, "/", 0, 0)):
    try:
        os.posix_spawn(sys.argv[0], [sys.argv[0], "x"], os.environ, file_actions=[action])
    except OSError as e:
        print("not a descriptor:", e.strerror, e.filename)
