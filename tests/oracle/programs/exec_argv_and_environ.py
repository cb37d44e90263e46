#!/usr/bin/env python3
"""What exec hands to the new program: its arguments and its environment, and nothing else."""

import os
import sys

if len(sys.argv) > 1:
    print(sys.argv[1:], os.environ.get("KOS_A"), os.environ.get("KOS_B"), os.environ.get("KOS_C"), flush=True)
    sys.exit(4)
os.environ["KOS_A"] = "by environ"
os.putenv("KOS_B", "by putenv")
state = ["not seen"]
for call in (
    lambda: os.execv(sys.argv[0], [sys.argv[0], "one", "two words", ""]),
    lambda: os.execve(sys.argv[0], [sys.argv[0], "three"], {**os.environ, "KOS_C": "by execve"}),
    lambda: os.execl(sys.argv[0], "any name", "four"),
    lambda: os.execle(sys.argv[0], "any name", "five", dict(os.environ, KOS_A="changed")),
):
    pid = os.fork()
    if pid == 0:
        call()
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
print(os.environ.get("KOS_B"), state)
